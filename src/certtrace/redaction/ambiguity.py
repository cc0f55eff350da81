"""Names that are words too: when a single name part is the person, and when it is only a word.

"Mark" the candidate, "mark the packet" the verb; "Will" and "will"; and the people whom technology is named after.
"""

import re
from typing import Final

COMMON: Final = frozenset(
    "mark will rich grace may art bill frank summer april june august autumn dawn joy hope faith rose lily daisy ivy iris olive "
    "violet ruby pearl amber jade crystal sandy sunny stormy rain river sky star ray dean duke earl prince king queen knight bishop "
    "pope abbot chase chance chip cliff clay dale glen heath lance miles nick pat peg penny pierce rob sue skip tab trace ty van "
    "victor virginia vista wade ward major junior guy gene jean max min sam son sun dan don ian al ed bo jo lee kim li ng wu xu ma "
    "he she you an so do le la de page field cook baker smith miller carpenter mason potter taylor turner walker fisher hunter "
    "porter parker cooper carter archer butler gardener shepherd farmer singer weaver tanner sawyer wheeler bell book bond bridge "
    "brook brooks bush camp case castle chambers church cross day drew fall fish flower flowers fields ford fox frost gates glass "
    "gold good goodman graves gray green grey hall hand hands hart hawk head hill holder holiday hood house key keys land lane law "
    "light little lock long love lord lot low marsh moon moor morrow new nice noble north west east south park parks peak peel pike "
    "pool pope post power powers price prior quick rice rich ring rivers rock root rush sage sands self sharp shore short silver "
    "small snow spring stack staff steel stein stone street strong sweet swift temple thorn tower town train trim tree trust vale "
    "wall walls wagner waters watt way wells white wild wing winter wise wolf wood woods worth wright young younger black blue brown "
    "red orange bird lamb banks best bolt bright burns burn byte cache card cash chain check class close code core count daily data "
    "date deal duff else end event false file first flow frame front full gate grant graph group grid guard hash heap host hub "
    "index item job jobs json just kafka kernel last link list load local lock log logic loop love lynn mail main map matrix merit "
    "merry model more net node none null object open option order other pace pack packet pair pass patch path pipe plan play point "
    "port print process proxy python query queue random range rank rate read real redis rest role rule run safe sample save scale "
    "schema scope script search second secure seed send server service session set shell shift short sign signal size slot socket "
    "sort source space speed split spring sprint state step stock store stream string switch system table tag task team term test "
    "text thread three time token tool top total trace tree trial true tube type unit use user valid value vector version view "
    "virtual void wait web well wire word work world write year zero admin info contact support student candidate expert name "
    "answer question exam grade grading review reviewer author manager teacher".split()
)
"""Single name parts that count only when they are capitalised and the context speaks for a person."""

EPONYMS: Final = frozenset(
    "dijkstra conway kafka poisson fowler jenkins nagle shannon hamming manchester bellman ford huffman turing newton bayes gauss "
    "fourier moore brooks martin evans newman lamport markov erlang little amdahl gustafson nyquist hartley karn jacobson reno tahoe "
    "vegas kruskal prim floyd warshall johnson kerberos ada pascal haskell julia java ruby perl elm scala cassandra athena apollo "
    "zeus atlas hermes medusa phoenix titan travis jenkins gitlab nagios tomcat maven jira oracle sybase solr lucene elastic hudson "
    "caesar vigenere diffie hellman rivest shamir adleman merkle fibonacci euclid hilbert boyce codd chen demeter liskov demorgan "
    "boole bool morse baudot baud hertz bernoulli laplace byzantine peterson dekker lagrange newton raphson simpson metcalfe may "
    "april june july august january february march monday tuesday wednesday thursday friday saturday sunday paris london berlin "
    "sydney austin dallas houston madison jackson lincoln washington hamilton florence vienna milan chelsea brooklyn israel jordan "
    "chad georgia india china america asia europe".split()
)
"""Names that a text on technology uses for something else: they need a sign of the person right beside them."""

_CUE: Final = re.compile(
    rb"(?:^|[^a-z])(?:mr|mrs|ms|miss|dr|prof|professor|candidate|student|examinee|author|applicant|grader|reviewer|expert|assessor|examiner|"
    rb"colleague|name|name is|named|am|i'm|signed|regards|dear|hi|hello|hey|thanks|sincerely|cheers|yours|by|user|from|for|contact|"
    rb"submitted by|written by|graded by|answer of|works with|ask)[.,:;!\s\"'(*_-]{1,6}$"
)
_POSSESSED: Final = re.compile(
    rb"(?:'s|s'|')?[ -]{1,2}(?:law|laws|algorithm|protocol|code|coding|encoding|principle|theorem|topic|cluster|broker|queue|distribution|"
    rb"process|chain|model|machine|test|tests|server|pipeline|format|filter|transform|formula|window|limit|rate|set|consumer|producer|"
    rb"rich text|sort|tree|graph|method|rule|equation|curve|space|number|numbers|diagram|notation)"
)
_NEAR: Final = 64
_CUE_REACH: Final = 24
_SENTENCE_END: Final = b".!?:;\n\r\"'(*#->|"


def is_ambiguous(part: bytes) -> bool:
    """Tell whether a single name part (folded, lower case) may well be a word."""
    word = part.decode("latin-1")
    return len(word) <= 3 or word in COMMON or word in EPONYMS


def is_person(data: bytes, low: bytes, start: int, end: int, signs: list[tuple[int, int]]) -> bool:
    """Tell whether an ambiguous name part at `start:end` is the person.

    Args:
        data: The folded text.
        low: The same in lower case.
        start: Where the part begins.
        end: Where it ends.
        signs: Where the person is named beyond doubt in the same text.
    """
    if not data[start : start + 1].isupper() or _POSSESSED.match(low, end):
        return False
    if any(first - _NEAR <= end and start <= last + _NEAR for first, last in signs):
        return True
    if _CUE.search(low, max(0, start - _CUE_REACH), start):
        return True
    if low[start:end].decode("latin-1") in EPONYMS:
        return False
    return not _begins_sentence(data, start) and not _in_title(data, start, end)


def _begins_sentence(data: bytes, start: int) -> bool:
    before = data[max(0, start - 8) : start].rstrip(b" \t")
    return not before or before[-1:] in {bytes([sign]) for sign in _SENTENCE_END}


def _in_title(data: bytes, start: int, end: int) -> bool:
    """Tell whether a neighbouring word is capitalised too: a heading, a product name."""
    before = data[max(0, start - 32) : start].split()
    after = data[end : end + 32].split()
    return (bool(before) and before[-1][:1].isupper()) or (bool(after) and after[0][:1].isupper())
