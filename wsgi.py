"""The WSGI application that gunicorn serves."""

from filewallball import create_app

app = create_app()
