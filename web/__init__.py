"""HTTP API and page: the only part that knows aiohttp. It may import ``scanner``; ``scanner`` never imports it.

What lives where:

- ``app``: :func:`web.app.make_app` builds the application, :func:`web.app.serve` listens and stops fast. ``listening``:
  addresses, the unix socket, and what is said to those who do not speak HTTP.
- ``routes``: the one table of routes: method, path, handler, role, what goes in and what comes out. What is not in it
  does not exist.
- ``security``: who may ask what from where: Host, Origin, content type, body limits, roles, headers of every answer.
- ``codec``: JSON at the edge, by msgspec; every error as ``{"error": {"code", "message", "detail"}}``.
- ``streams``: the register of what stays open; server-sent events, picture streams, long lists. ``page_socket``: the
  page's WebSocket. ``wire``: what streams send, encoded once for all.
- ``pages``: the page's files; ``archive``: zip downloads; ``reports``: lists as files; ``openapi``: the description,
  made from the table of routes.
- ``context``: what handlers are given.
- ``api/``: one module per resource, handlers only: decode, ask the owner, encode.

Rules: handlers hold no state and decide nothing: the parts of :class:`scanner.app.App` do. Names from URLs become
typed ids (``codec``) before they touch anything. Nothing blocks the loop. Nothing waits for a client for ever, and
nothing is kept for one without a bound.
"""
