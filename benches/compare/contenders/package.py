"""This package, imported as a whole.

It imports most of itself when it is used for the first time. That does not count as work, as the
imports of its peers do not.
"""

import sutro

for name in sutro.__all__:
    getattr(sutro, name)
