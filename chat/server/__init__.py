"""What makes the server hold: each file answers for one thing. The loop is in chat_server.py."""
