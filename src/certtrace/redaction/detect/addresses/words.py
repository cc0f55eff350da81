"""Words of street addresses: kinds of streets, parts of houses, countries and states."""

from typing import Final

_STREETS: Final = """
    street st str road rd avenue ave av boulevard blvd bvd lane ln crescent cres cresc terrace tce highway hwy parkway
    pkwy gardens gdns grove mews esplanade parade pde quay broadway turnpike expressway freeway promenade alley
"""
STREETS: Final = tuple(_STREETS.split())
"""Behind a number and a name they make an address by themselves."""

_STREETS_TOO: Final = """
    drive dr court ct close square sq place pl row way hill walk circle cir trail trl rise park view bridge heights hts
    ridge valley loop manor meadow meadows terr garth croft
"""
STREETS_TOO: Final = tuple(_STREETS_TOO.split())
"""Words that mean other things as well: they need more than one digit or something that follows."""

_STREETS_PERHAPS: Final = """
    green vista point pt landing crossing xing bend cove creek glen hollow island isle junction knoll lake lodge
    mill mount
    mountain oval pass path pike pine plaza plain plains port ranch reach rest run shore shores spring springs station
    summit track union villas village wharf wood woods yard field fields end gate dale chase drove fold estate mall
"""
STREETS_PERHAPS: Final = tuple(_STREETS_PERHAPS.split())
"""Words that mean something else most of the time: a town, a code or an apartment has to follow."""

_PREFIXES: Final = """
    rue avenue avda avda. avenida boulevard chemin impasse quai via viale piazza piazzale corso vicolo lungomare
    contrada
    calle c/ paseo plaza camino carrer ronda travesia glorieta rua travessa praca estrada alameda rodovia ul. ulica
    aleja
    al. os. osiedle plac ulice namesti nam. trida nabrezi cesta trg strada bulevardul calea aleea soseaua jalan odos
    leoforos av. vasut
"""
PREFIXES: Final = tuple(_PREFIXES.split())
"""Words in front of the name of a street whose number comes last: `Via Roma 1`."""

_FRENCH: Final = """
    rue avenue av av. boulevard bd bd. blvd chemin impasse allee quai place route cours passage square sentier
"""
FRENCH: Final = tuple(_FRENCH.split())
"""Words in front of the name of a street whose number comes first: `12 rue de la Paix`."""

_AMBIGUOUS: Final = """
    via plaza corso cesta strada ronda al. av place route cours passage square os. camino
"""
AMBIGUOUS: Final = frozenset(_AMBIGUOUS.split())
"""Words that name a street only with a capital letter."""

_ENDINGS: Final = """
    strase strasse str. gasse weg platz allee damm ufer steig graben zeile chaussee promenade
    straat laan plein gracht kade dijk singel steenweg
    gatan gata gate gaten vagen vag vej vejen vei veien vegen veg straede stien braut
    katu kuja polku ntie puisto puiestee maantee
    utca utja
"""
ENDINGS: Final = tuple(_ENDINGS.split())
"""How the names of Germanic, Nordic, Finnish and Hungarian streets end; folding leaves one `s` of `ß`."""

_COUNTRIES: Final = """
    argentina;australia;austria;belgium;bosnia and herzegovina;brazil;bulgaria;canada;chile;china;colombia;croatia;
    cyprus;cyprus (greek);czech republic;czechia;denmark;egypt;england;estonia;finland;france;germany;greece;greenland;
    hong kong;hungary;iceland;india;indonesia;ireland;israel;italy;japan;kenya;korea;latvia;liechtenstein;lithuania;
    luxembourg;malaysia;malta;mexico;morocco;netherlands;new zealand;nigeria;northern ireland;norway;pakistan;peru;
    philippines;poland;portugal;romania;russia;scotland;serbia;singapore;slovakia;slovenia;south africa;south korea;
    spain;sri lanka;sweden;switzerland;taiwan;thailand;the netherlands;tunisia;turkey;uk;ukraine;united arab emirates;
    united kingdom;united states;united states of america;uruguay;usa;vietnam;wales;deutschland;osterreich;schweiz;
    suisse;espana;italia;brasil;sverige;norge;danmark;suomi;nederland;belgie;belgique;polska;turkiye;jersey;guernsey
"""
COUNTRIES: Final = frozenset(name.strip() for name in _COUNTRIES.split(";"))
"""Names of countries, folded, lower-case."""

_STATES: Final = """
    AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI
    SC SD TN TX UT VT VA WA WV WI WY DC PR AB BC MB NB NL NS ON PE QC SK YT NSW VIC QLD TAS ACT
"""
STATES: Final = tuple(_STATES.split())
"""States and provinces of the United States, Canada and Australia."""

_NOT_STREETS: Final = """
    gb tb mb kb gbps mbps gigabit megabit bit byte bytes usb hard flash google disk tape solid state way lane sided
    minute minutes hour day second percent first step phase layer level hop hops node nodes
"""
NOT_STREETS: Final = frozenset(_NOT_STREETS.split())
"""Words that stand between a number and `drive`, `way` or `point` where no street is meant."""

_NUMBERED: Final = """
    project ieee nand nor xor logic kafka gateway group host router port server node network class layer
    table station interface page step figure section chapter version
    question answer exercise task part level phase group team room windows python ipv tcp udp http vlan subnet switch
    january february march april may june july august september october november december
"""
NUMBERED: Final = frozenset(_NUMBERED.split())
"""Words that a number follows without being an address."""
