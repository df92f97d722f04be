"""Made-up people: common names from India and elsewhere, and addresses that lead nowhere."""

import random

FIRST = (
    "Asha Ravi Priya Arjun Meera Vikram Ananya Rohan Kavya Sanjay Divya Imran Lakshmi Nikhil Farah "
    "Deepak Isha Manish Pooja Kiran Kofi Ines Milan Yuki Rosa Omar Lena Tomas Mei Amara Lucas Nora "
    "Mateo Aiko Leila Jonas Zuri Elif Pavel Chloe"
).split()
LAST = (
    "Verma Iyer Sharma Reddy Nair Khan Patel Menon Das Kulkarni Bose Joshi Pillai Gupta Shetty "
    "Mensah Duarte Horvat Tanaka Alvarez Haddad Fischer Novak Chen Okafor Silva Larsen Romero Sato "
    "Rahimi Weber Mwangi Demir Sokolov Martin Costa Lindqvist Kaya Moreau Dlamini"
).split()
CITIES = ("Pune", "Kochi", "Jaipur", "Chennai", "Nagpur", "Lyon", "Porto", "Accra", "Osaka", "Lima")


def name(rng: random.Random) -> tuple[str, str]:
    """Draw a first and a last name."""
    return rng.choice(FIRST), rng.choice(LAST)


def email(first: str, last: str, number: int) -> str:
    """Return an address in a domain that is reserved for tests."""
    return f"{first.lower()}.{last.lower()}{number % 1000}@example.test"


def mobile(number: int) -> str:
    """Return a number of a range that is never given to anybody."""
    return f"1555{number % 10_000_000:07}"
