"""Word lists, kept apart from the rules that use them."""

from typing import Final

_COMMON: Final = """
    abbot admin al amber an answer april archer art august author autumn baker banks bell best bill bird bishop
    black blue bo bolt bond book bridge bright brook brooks brown burn burns bush butler byte cache camp candidate
    card carpenter carter case cash castle chain chambers chance chase check chip church class clay cliff close code
    contact cook cooper core count cross crystal daily daisy dale dan data date dawn day de deal dean do don drew
    duff duke earl east ed else end event exam expert faith fall false farmer field fields file first fish fisher
    flow flower flowers ford fox frame frank front frost full gardener gate gates gene glass glen gold good goodman
    grace grade grading grant graph graves gray green grey grid group guard guy hall hand hands hart hash hawk he
    head heap heath hill holder holiday hood hope host house hub hunter ian index info iris item ivy jade jean jo
    job jobs joy json june junior just kafka kernel key keys kim king knight la lamb lance land lane last law le lee
    li light lily link list little load local lock log logic long loop lord lot love low lynn ma mail main major
    manager map mark marsh mason matrix max may merit merry miles miller min model moon moor more morrow name net
    new ng nice nick noble node none north null object olive open option orange order other pace pack packet page
    pair park parker parks pass pat patch path peak pearl peel peg penny pierce pike pipe plan play point pool pope
    port porter post potter power powers price prince print prior process proxy python queen query question queue
    quick rain random range rank rate ray read real red redis rest review reviewer rice rich ring river rivers rob
    rock role root rose ruby rule run rush safe sage sam sample sands sandy save sawyer scale schema scope script
    search second secure seed self send server service session set sharp she shell shepherd shift shore short sign
    signal silver singer size skip sky slot small smith snow so socket son sort source south space speed split
    spring sprint stack staff star state steel stein step stock stone store stormy stream street string strong
    student sue summer sun sunny support sweet swift switch system tab table tag tanner task taylor teacher team
    temple term test text thorn thread three time token tool top total tower town trace train tree trial trim true
    trust tube turner ty type unit use user vale valid value van vector version victor view violet virginia virtual
    vista void wade wagner wait walker wall walls ward waters watt way weaver web well wells west wheeler white wild
    will wing winter wire wise wolf wood woods word work world worth wright write wu xu year you young younger zero
"""

_EPONYMS: Final = """
    ada adleman amdahl america apollo april asia athena atlas august austin baud baudot bayes bellman berlin
    bernoulli bool boole boyce brooklyn brooks byzantine caesar cassandra chad chelsea chen china codd conway dallas
    dekker demeter demorgan diffie dijkstra elastic elm erlang euclid europe evans february fibonacci florence floyd
    ford fourier fowler friday gauss georgia gitlab gustafson hamilton hamming hartley haskell hellman hermes hertz
    hilbert houston hudson huffman india israel jackson jacobson january java jenkins jira johnson jordan julia july
    june kafka karn kerberos kruskal lagrange lamport laplace lincoln liskov little london lucene madison manchester
    march markov martin maven may medusa merkle metcalfe milan monday moore morse nagios nagle newman newton nyquist
    oracle paris pascal perl peterson phoenix poisson prim raphson reno rivest ruby saturday scala shamir shannon
    simpson solr sunday sybase sydney tahoe thursday titan tomcat travis tuesday turing vegas vienna vigenere
    warshall washington wednesday zeus
"""

COMMON: Final = frozenset(_COMMON.split())
"""Single name parts that count only when they are capitalised and the context speaks for a person."""

EPONYMS: Final = frozenset(_EPONYMS.split())
"""Names that a text on technology uses for something else: they need a sign of the person right beside them."""

_PARTICLES: Final = """
    von van der den de la le del della di da do dos das du bin ibn ben al el ter ten zu zur und y e af av st san mac
    mc o
"""

PARTICLES: Final = frozenset(_PARTICLES.split())
"""Words in front of a surname that belong to it."""

_TITLES: Final = """
    mr mrs ms miss dr prof professor sir dipl ing phd msc bsc jr sr ii iii mag herr frau fru
"""

TITLES: Final = frozenset(_TITLES.split())
"""What stands beside a name without being part of it."""

_NEVER_SEARCHED: Final = """
    role kind type lang language locale country timezone tz gender salutation title currency status level tenant
"""

NEVER_SEARCHED: Final = frozenset(_NEVER_SEARCHED.split())
"""Keys of an identity whose values are no sign of a person."""
