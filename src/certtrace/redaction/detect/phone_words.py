"""Words beside a telephone number that say what it is."""

from typing import Final

_PHONE_WORDS: Final = """
    phone phones tel tele telephone telefon mobile mob cellphone handy call dial fax ph whatsapp sms reach contact
    hotline voicemail landline tlf desk office home registered
"""

PHONE_WORDS: Final = frozenset(_PHONE_WORDS.split())
"""Words in front of a telephone number that say what it is."""

_PHONE_WORDS_AFTER: Final = """
    office fax mobile home cell work desk phone
"""

PHONE_WORDS_AFTER: Final = frozenset(_PHONE_WORDS_AFTER.split())
"""Words behind a telephone number that say what it is."""
