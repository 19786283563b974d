"""The web view's parts: messages, fan-out, answers, safety and the page. `web` starts and stops them."""
