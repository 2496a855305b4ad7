"""Handlers, one module per resource. Each decodes, asks the owner, encodes; the table in :mod:`web.routes` says who is
reached how.
"""
