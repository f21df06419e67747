"""The console: a page for people at `/console/`, made of static files that speak to the public API like any client."""
