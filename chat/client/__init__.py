"""One person's conversation with a server, whatever shows it. The loop is in chat_client.py."""
