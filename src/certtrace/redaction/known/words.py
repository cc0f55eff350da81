"""Word lists, kept apart from the rules that use them."""

from typing import Final

_ENGLISH: Final = """
    ab abbot abe ace add ade admin age ah al alas ale ally almond alpha am amber amity among amor an angel anon
    answer arch archer are array art arts as asks ast astride at au auch aus author autumn avi babe baby back
    bah bail bailiff baker ball ban bang banks bar bare barker barn baron basic basil bass bath be bean bear beard
    beat bee beer begin bell bender bent berg berry best bien bill bills binder birch bird bishop bit bite bitten
    black blank blaze blessing bliss block blossom blot blue bo bolt bond bones bonnet book boon booth bore boss
    bower bowler brain branch brand brands brandy brick bridge bridges bright brink brook brooks brown buck bud
    buddy bug bull bunk burger burgess burn burns bus bush butcher butler by byte cache camp camps can canal
    candidate candy canning cannon cant canyon cap captain car card cares carpenter carrier carry carter case cases
    cash castle cave chain chamberlain chambers chan chance chancellor char charity chase check cherish cherry chip
    christ church cipher class clay clear clemency clement clerk clever cliff clone close clover code colt come
    comer comfort comment commit company con constable constance constant contact contractor convey cook cooper cop
    coral cord core council count cousin crane croft cross crow crown cruise crystal curry curtain da dahlia daily
    daisy dale daly dam dare darling das dash data date dawn day de deacon deal dean decker dee deep del delta den
    der deric desire destiny dev diamond dick die dieu ding dis diver divine do doc dock doctor doe doll don donna
    dos dot double dove drake drew drifter drop drum du duff duke durham dusty dyer each eagle earl early earnest
    east easter ebb ebony echo ed edge edit edu elder ell else emerald en end era es essence ether event ever exam
    expert fac fair fairy faith fal falcon fall falls false fan fancy fares farmer fate fed fee felicity feller fern
    ferry field fields file finch finn first fish fisher fit flag fleet flight flint float flood floor flow flower
    flowers font foot forest forget fork forum foster fox frame frank freely fresh friar friend front frost fu full
    fuller gal gale gamble gang gardener gas gate gates gauge gay gene general gentle gentry german ginger glass
    glasses glover go gold golden gong good goodman gorge goto governor grab grace grade grading grand grant graph
    gravel graves gray green greet grey grid grill grit gross group grove grunt guard gun gust gut gute guy ha hale
    hall halls ham hand hands handy hang hardly hardy hare harm harmony harper harsh hart hash hasty haven hawk hay
    hazel he head heap hearty heath heather heaven held hell hella helm hence herb herd heron herring hide hill
    hills hog holden holder holiday holt honor hood hook hope horn host house hub hug hull hung hunt hunter hurt ib
    if ii in index indie infant info ing innocent int iris is it item ivory ivy jade jail jasmine jet jewel job jobs
    joke journey joy json judge junior junk just justice kelvin kernel key keys kick kidney killer kim kind kindle
    king kiss kit knight la lace lad lady lake lamb lance land lane lang large lark las last laurel lavender law
    lawless lawyer le lea leafy lean ledger lee lemon less lever li liberty lie lies light lily linden line link
    lips list little lo load loan local lock log logic lone long loop lord lore lot love low lower loyal lucid lucky
    lung lynn ma mad made magic magnolia mail main major male mall man manager manly map mar mare marine mark marks
    marry mars marsh marshal martial marvel mason mast master mate math matrix max mayor me meadow meadows mean
    media mercer merchant mercy merge merit merry meta mile miles millard miller mills min miner minor miracle mist
    misty moan mode model monk moody moon moor moors more morrow moss mount mountain mule must my myrtle name net
    new ng nice nick nickel nightingale no noble node nonce none noon north nova null oak object odd odds of old ole
    olive om on op opal open option or oral orange orchard order org other ou over owe pace pack packet page pages
    pair pal palm palmer pan pansy par para parent park parker parks parson partridge parts pass pastor pat patch
    path patience paw peace peacock peak pearl peck peel peer peg pellet penny pent pepper per petty pier pierce
    pike pilgrim pin ping pink pipe piper plan plank planner play player plaza pleasant po point pole poll polo pond
    pool pop pope poppy port porter post potter power powers precious pres press price priest prima primrose prince
    princess print prior process proctor proxy prudence pu pull purity push put python queen query question queue
    quick racer raid rain ram ran random rang range rank rate raven ray read reader real reason red redis reed reeve
    reid renders rest review reviewer rice rich riddle ridge rim ring river rivers roach roar rob robin rock rocky
    rod rode role roll room root roots rose rosemary rosy royal ruddy rule run rush rust rusty sad safari safe saga
    sage said sales salmon salt sam sample samson sands sandy sang sank savage save sawyer scale scarlet schema
    scholar scope script se search sec second secure seed self send sep server service session set seven sexton
    shade sharp sharper she sheen shell shelter shepherd sherry shift shine shore short side sign signal silk silver
    sincere sing singer siren sister size skinner skip sky slade slate slot small smart smith snow so socket solar
    sole son song soo soon soot sort source south space sparrow speed split spring sprint squire st stack staff star
    starling state steel steer stein step sterling stern steward stock stone store storm storms stormy story stout
    strand stream street string strong student such sue suits sum summer summers sun sung sunny sunshine support sur
    swallow swan sweet swift switch system ta tab table tack tag tailor tan tank tanner task tawny taylor te tea
    teacher team telly temperance temple term test text thatcher the theres thorn thread three ties til till time
    tiny to token tone too tool top topic tore torrent total tower town toy trace tracer train treasure tree trial
    trim trinity trout true trust tube tucker turner ty type und uni unique unit unknown uno unpack up urban us use
    user vain vale valid value van var vector velvet verity versa version victor victory vid view vigil viking vill
    villa violet virginia virtual visa vista void von vu wade wage wagner wait walker wall waller walls wan ward
    warmer warrior wash water waters watt way we weaver web week weeks well wells wen were west wheeler whit white
    wild wilder will willow windy wing winter winters wire wise wit wolf wood woods word work world worth wren
    wright write wu xu ye year yoga you young younger yu zero
"""

_GERMAN: Final = """
    alle anders bach bauer baum becher beck berge bischof braun breit bruder buch dach dezember dienst eben ehe
    ernst februar fisch frei freitag frisch frohe fuchs graf grosse hahn halt harte hass heim heiss herbst hirsch
    hof jahn jahr januar juli jung juni kaiser kalt karg keller kern klar klare klein kluge knapp koch konig kopf
    krebs krug kunde kurz lage lange lasse liga linke macht mai mann marz meer meister mond nagel neu nord oktober
    ost polster rath reich reiter richter ritter roth sauber sauer scharf schatz schenk schlicht schmal schnell
    schon schreiber schutz schwarz see seiler seite selig silber sommer sonne sonntag specht stahl stark steuer
    stolz sturm suss tasche teufel tisch treu vogel vogt volk voll vorn wagen wahl wald wand weber weg weich weis
    weiss weit welle wenig wert wind wolke wunsch zahl zeit ziegler zimmer zorn
"""

_FRENCH: Final = """
    aime ami amie ange aube avril barre beau belle blanc blanche blanco bois bon bonne boucher boulanger bravo brun
    cartes cas chacun charpentier chef cher clair claire clef comte costa cote cour court couture doux droit dur fer
    fleur fontaine fort gagne garde grande gros hiver jardin jolie jour lame leger loup maitre marchand mer meunier
    mora mot mur noir paradis pas petit plus pont porte prado prevot quartier reine rios rive roche roi rojo rouge
    roux sierra signe soi soleil temps tour tours travers vallee vert vide vie ville vin voisin vrai
"""

_EPONYMS: Final = """
    ada adleman amdahl america apollo april asia august athena atlas austin baud baudot bayes berlin bernoulli bool
    boyce brooklyn byzantine caesar cassandra chad chelsea chen china codd conway dallas dekker demeter demorgan
    diffie dijkstra elastic elm erlang euclid europe evans february fibonacci florence floyd ford fourier fowler
    friday gauss georgia gitlab gustafson hamming hartley haskell hellman hermes hertz hilbert houston hudson
    huffman india israel jacobson january java jenkins jira jordan julia july june kafka karn kerberos kruskal
    lagrange lamport laplace lincoln liskov london lucene madison manchester march markov maven may medusa merkle
    metcalfe milan monday moore morse nagios nagle newton nyquist oracle paris pascal perl phoenix poisson prim
    raphson reno rivest ruby saturday scala shamir shannon solr sunday sybase sydney tahoe thursday titan tomcat
    travis tuesday turing vegas vienna vigenere warshall washington wednesday zeus
"""

_FREQUENT: Final = """
    add age al am among an answer are art as at author baby back ball bar basic be beat begin best bill bit black
    block blue book boss brain brand bridge brown bus by cache camp can captain car card carry case cases cash
    chance check christ class clear close code come comment company contact cook council count cross daily data date
    day de deal deep die do doctor double drop each early east ed else end event ever fair faith fall fan field file
    first fish fit flight floor foot forget frame frank fresh friend front full gas gay general german glass go gold
    good grace grade grand green group gun guy hall hand hands hash he head held hell hill hope host house hurt if
    ii in is it job jobs judge just justice key kind la lady lake land large last law less lie light line link list
    little local lock long lot love low lower lucky made magic main major male man manager map march mark master may
    me mean media miles model more must my name net new nice no node none north of old on open option or order other
    over packet page park parts pass peace per plan play player point pop port post power press price prior process
    pull push put queen question queue quick ran range rate read real reason red rest review rich ring river rock
    role roll room root royal rule run sad safe said sales save scale search second self send server service set
    seven she short side sign silver sister size small smart smith so son song soon sort source south space speed
    spring st stack staff star state step stock stone store story street strong student such summer sun support
    sweet system table teacher team term test text the three till time to token too top total town train tree trial
    true trust type unique unit up us use value van version view wait wall water way we week weeks well were west
    white wild will winter wood word work world worth write year you young
"""

COMMON: Final = frozenset(f"{_ENGLISH} {_GERMAN} {_FRENCH}".split())
"""Single name parts that count only when they are capitalised and the context speaks for a person."""

FREQUENT: Final = frozenset(_FREQUENT.split())
"""Those that stand beside any other word; two rarer ones beside each other are a name."""

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
    role kind type lang language locale country country_code city town region state timezone tz gender sex salutation
    title pronouns currency status level tenant tier team department organisation organization company employer
    institution university school course exam exam_id track cohort group plan age version environment env
"""

NEVER_SEARCHED: Final = frozenset(_NEVER_SEARCHED.split())
"""Keys of an identity whose values are no sign of a person."""
