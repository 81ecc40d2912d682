"""The service: the public interface of the package over HTTP, and no judgement of its own.

=============  ==========================================================================
`settings`     where it keeps its data, its limits
`app`          the ASGI application: routes, errors, headers
`routes`       one module per group of resources
`access`       keys, roles, tenants, sessions
`uploads`      videos on their way in
`jobs`         long work: a queue that survives a restart
`workers`      the processes that do it, from outside
`work`         the same from inside: calls of the public interface
`audit`        who asked what, in a chain of hashes
`problems`     errors as RFC 9457 problem details
=============  ==========================================================================
"""
