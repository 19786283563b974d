"""Web view: HTTP, WebSocket, protection against hostile visitors, and the page."""
