"""Who may use the scanner: users and their passwords, logins of browsers, tokens of machines, the first setup.

Kept in ``access/`` of the state directory, which nobody else may look into:

``users.yaml``   users (name, role, hashed password) and tokens (name, role, hashed secret); may be edited by hand
``logins.json``  the browsers that are logged in, hashed, and that there was a setup

Rules. Nothing that is kept opens anything by itself: passwords are kept as scrypt, secrets as SHA-256. A comparison
takes the same time whatever it finds. A state that cannot be read, or that is gone after a setup, locks; it never
opens. What is taken away (a user, a password, a token, a login) ends at once, also where it is in use. Time is counted
by the monotonic clock: a Pi has no battery clock.

``roles``      the three roles
``passwords``  scrypt
``accounts``   users and tokens, and what may become of them (pure)
``logins``     browsers that are logged in
``attempts``   how often somebody may guess
``book``       the files
``state``      all of it in memory, in step with the files
``gate``       logging in and out, the first setup
``people``     changing users and tokens
``access``     :class:`Access`, the only door
"""

from scanner.access.access import Access, Principal
from scanner.access.accounts import Token, User, UserName
from scanner.access.roles import Role, RoleName

__all__ = ["Access", "Principal", "Role", "RoleName", "Token", "User", "UserName"]
