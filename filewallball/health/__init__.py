"""Health: is the service alive, ready, and are its parts well?"""
