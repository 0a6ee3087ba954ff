"""What the developer commands use: Debian packages, images made here, a registry on loopback.

Independent of the product: images are written by the code here and by Debian's tools,
so that a bug in Rundlet cannot hide in its own fixtures.
"""
