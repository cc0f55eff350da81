"""Words that decide what the model cannot: particles inside names, and people quoted as authorities, not as persons."""

from typing import Final

_PARTICLES: Final = """
    abu af al ap av ben bin bint d da dal das de degli dei del della delle der des di do dos du e el ibn la las
    le los mac mc ní op san santa st ten ter the und uz van vande vanden vander ver vom von y zu zum zur ó
    """
PARTICLES: Final = frozenset(_PARTICLES.split())
"""Words between or before the parts of a name: `Anna van der Berg`, `Omar bin Said`."""

_TITLES: Final = """
    capt captain dame doc docteur don dott doña dr fr frau herr hon ing judge justice lady lord madame miss mme
    monsieur mr mrs ms mx prof professor rev senator señor señora sig signora sir sr sra
    """
TITLES: Final = frozenset(_TITLES.split())
"""Titles: never part of what is found, but what follows them may be."""

_PARTICIPANTS: Final = """
    am appeal applicant assignee attendee boss candidate candidates colleague dear employee examiner expert
    grader graders hello hey hi i'm marker me name owner participant reviewer student students submission user
    """
PARTICIPANTS: Final = frozenset(_PARTICIPANTS.split())
"""Words before a name that make its bearer somebody in the exam."""

_TELLING: Final = """
    actor actress album aunt band born brother daughter died father he her hers herself him himself his husband
    interview lady lol lord love married minister miss mother mr mrs ms omg photo president rt said says senator
    she singer sir sister son song thanks told uncle wife
    """
TELLING: Final = frozenset(_TELLING.split())
"""Words of texts that tell of people."""

AUTHORITIES: Final = frozenset(
    {
        ("alan", "kay"),
        ("alan", "turing"),
        ("alistair", "cockburn"),
        ("barbara", "liskov"),
        ("bertrand", "meyer"),
        ("brendan", "gregg"),
        ("chris", "richardson"),
        ("christopher", "alexander"),
        ("claude", "shannon"),
        ("david", "parnas"),
        ("donald", "knuth"),
        ("edsger", "dijkstra"),
        ("eric", "brewer"),
        ("eric", "evans"),
        ("erich", "gamma"),
        ("fred", "brooks"),
        ("gene", "kim"),
        ("grady", "booch"),
        ("greg", "young"),
        ("gregor", "hohpe"),
        ("jez", "humble"),
        ("john", "ousterhout"),
        ("john", "von", "neumann"),
        ("kent", "beck"),
        ("leslie", "lamport"),
        ("mark", "richards"),
        ("martin", "fowler"),
        ("martin", "kleppmann"),
        ("melvin", "conway"),
        ("michael", "feathers"),
        ("michael", "nygard"),
        ("neal", "ford"),
        ("nicole", "forsgren"),
        ("ralph", "johnson"),
        ("rebecca", "parsons"),
        ("richard", "helm"),
        ("robert", "c", "martin"),
        ("robert", "metcalfe"),
        ("roy", "fielding"),
        ("sam", "newman"),
        ("simon", "brown"),
        ("tim", "berners-lee"),
        ("udi", "dahan"),
        ("uncle", "bob"),
        ("vaughn", "vernon"),
        ("vint", "cerf"),
        ("werner", "vogels"),
    }
)
"""Authors whom answers on software architecture quote; a full name only, in the standard sensitivity only."""
