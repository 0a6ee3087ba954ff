"""Names of containers: which are allowed, and generated ones.

These are an adjective and a surname, as podman's users know them ("brave_hopper").

The surnames are of people who worked on computing, mathematics, engineering and the sciences.
"""

from __future__ import annotations

import os

from ..errors import InvalidArgument

_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_ADJECTIVES = (
    "able agile amber ample apt artful azure balmy blithe bold brave breezy bright brisk calm "
    "candid careful cheery civil clear clever cosy crafty crisp curious daring deft devoted "
    "dreamy eager earnest easy elated elegant epic exact fair famous fearless festive fine "
    "fluent focused fond frank fresh friendly gallant gentle gifted glad golden graceful "
    "grand grateful happy hardy hearty helpful honest hopeful humble ideal jaunty jolly "
    "jovial joyful keen kind lively logical loving loyal lucid lucky mellow merry mighty "
    "mindful modest musing nifty nimble noble patient peaceful playful pleasant plucky polite "
    "proud prudent quaint quick quiet quirky radiant ready relaxed robust rustic serene sharp "
    "shiny silent sincere sleek smart snug sober solid spry stable steady stoic sturdy subtle "
    "sunny sweet swift tender thirsty tidy tranquil trusting upbeat valiant vibrant vigilant "
    "vivid warm wise witty wonderful zealous zesty"
)

_SURNAMES = (
    "abel adleman agnesi alhazen allen ampere archimedes babbage backus banach bardeen bartik "
    "bell berners bernoulli bhaskara blackwell boole borg bose brahmagupta brattain burnell "
    "carson cauchy cerf chandrasekhar church clarke codd cohen cori curie dahl darwin "
    "dijkstra dirac easley eckert edison einstein elion engelbart ensmenger erdos euclid "
    "euler faraday fermat fermi feynman fourier franklin galileo galois gauss germain gibbs "
    "goedel goldberg goldstine goodall hamilton hamming hawking heaviside hellman hermite "
    "hertz hilbert hoare hodgkin holberton hopper huffman hypatia iverson jacobi jemison "
    "jennings johnson joliot kahn karp kay kepler khorana kilby knuth kolmogorov kovalevskaya "
    "lagrange lamarr lamport laplace leakey leavitt leibniz liskov lovelace lumiere "
    "mandelbrot margulis maxwell mayer mccarthy mcclintock meitner mendel milner minsky "
    "mirzakhani moore morse moser napier nash naur neumann newell newton nightingale nobel "
    "noether nygaard pascal pasteur perlman planck poincare ptolemy raman ramanujan rhodes "
    "riemann ritchie rivest robinson roentgen rubin saha sammet scott shamir shannon shockley "
    "shor sinoussi snyder somerville spence stallman stonebraker strachey sutherland swartz "
    "tarjan taussig tesla thompson torvalds turing varahamihira vaughan villani volhard volta "
    "wescoff wiles wilkes williams wing wirth wozniak wright wu yalow yao yonath zuse"
)


def check(name: str) -> None:
    """Raises InvalidArgument for what podman does not take as a name."""
    if not set(name) <= _ALLOWED or not name[0].isalnum():
        raise InvalidArgument(
            f"invalid container name {name!r}:"
            " names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument"
        )


def generate() -> str:
    """A random name; about 25,000 are possible."""
    return f"{_pick(_ADJECTIVES)}_{_pick(_SURNAMES)}"


def _pick(words: str) -> str:
    every = words.split()
    return every[int.from_bytes(os.urandom(4), "big") % len(every)]


def identifier() -> str:
    """A random id: 64 hexadecimal digits. Not all digits of its beginning are decimal.

    (A short id that is a number would be taken for one by tools that read YAML or JSON.)
    """
    while True:
        text = os.urandom(32).hex()
        if not text[:12].isdecimal():
            return text
