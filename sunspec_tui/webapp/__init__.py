"""The web view: HTTP, WebSocket, safety and the page."""
