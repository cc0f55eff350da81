"""Short and pet forms of common given names; they count only beside the surname."""

from typing import Final

_GROUPS: Final = """
    alexander alex alec xander sascha sasha sander sandy aleksander aleksandr alexandre alejandro alessandro olek sasha
    alexandra alex sandra sandy sasha lexi aleksandra alessandra ola
    albert al bert bertie
    alfred al fred alfie
    andrew andy drew andreas andre andrzej andrei andrey
    andreas andi andy
    anna ann anne annie anya ania hannah
    anthony tony antonio anton antoine toni
    antonia toni tonya
    barbara barb babs basia
    benjamin ben benny benji
    bernard bernie bernd bernhard
    catherine cathy kate katie cat kathy katherine kathryn
    charles charlie chuck chas carl karl carlos
    charlotte lottie charlie lotte
    christina chris tina christine kristina kristin krystyna
    christopher chris topher kit christoph christian kris
    christian chris
    daniel dan danny dani
    david dave davey
    deborah deb debbie
    dmitri dima dmitry dmitrij dimitri mitya
    donald don donnie
    dorothy dot dottie dora
    edward ed eddie ted ned eduard
    eduard edi edek
    elizabeth liz lizzie beth betty eliza elisabeth lisa elsa ela elzbieta libby
    emily em emma
    eugene gene
    ekaterina katya katja
    evgeny zhenya
    ferdinand ferdi
    florian flo
    francis frank fran franz francesco francisco
    francisco paco pancho fran
    frances fran franny francesca
    franziska franzi
    frederick fred freddie fritz friedrich rick
    gabriel gabe gabi
    gabriele gabi
    george georg jorge jerzy jiri
    gerald jerry gerry
    gerard gerry gerd
    gregory greg grzegorz
    harold harry hal
    heinrich heinz henry heiner
    henry harry hank hal henri henryk
    hubert bert hugh
    ignacio nacho
    irina ira
    isabel bella izzy isabella isabelle bel
    ivan vanya
    jacob jake jack jakob jakub kuba
    jakub kuba
    james jim jimmy jamie jay
    jan janek johnny
    janet jan
    jennifer jen jenny
    jeffrey jeff geoff geoffrey
    jessica jess jessie
    joan joanie
    joanna jo asia joanne
    john jack johnny jon jonny johann johannes juan ivan jan
    johannes hannes johann jo hans
    jonathan jon jonny nathan
    jose pepe
    joseph joe joey josef jozef sepp giuseppe
    joshua josh
    juan juanito
    judith judy
    julia julie jule
    julian jules
    karl kalle charles
    katarzyna kasia
    katharina kathi katja kathrin kate
    katherine kate kathy katie kat kay kit kathryn catherine
    kathleen kathy kate
    kenneth ken kenny
    konstantin kostya kostas
    krzysztof krzys
    lawrence larry lars laurence
    leonard leo len lenny
    leonardo leo
    louis lou lewis luis ludwig
    lucas luke lukas
    ludmila lyuda mila
    magdalena magda lena
    malgorzata gosia
    manuel manny manolo
    manuela manu
    margaret maggie meg peggy greta rita marge margarete
    margarete grete gretel
    maria mia mary marie mariya masha
    mark marc marcus markus
    martin marty
    martha marty
    matthew matt matty mateusz matthias mateo
    matthias matze matt
    maximilian max maxi
    melissa mel missy
    michael mike mick mickey micha mikael michal michel miguel mikhail misha
    mikhail misha
    mohammed mohamed muhammad mohammad mo
    nadezhda nadya
    natalia natasha natalie nat
    nathaniel nate nat nathan
    nicholas nick nicky nico nicolas niklas klaus nikolai kolya
    nikolai kolya
    nicole nicky nikki
    oliver olly ollie
    olga olya
    pamela pam
    patricia pat patty trish tricia
    patrick pat paddy rick
    pavel pasha
    paul pablo paolo pavel
    peter pete piotr petr pierre pedro
    philip phil filip philipp
    rachel rach
    raymond ray
    rebecca becky becca
    richard rick dick rich ricky ryszard
    robert rob bob bobby robbie bert roberto
    roberto beto
    ronald ron ronnie
    roland roli
    rudolf rudi rolf
    samuel sam sammy
    samantha sam
    sarah sally sara
    sebastian seb basti bastian
    sergei seryozha sergey
    solomon sol
    sophia sophie zosia sofia
    stanislaw stas staszek
    stephanie steph steffi
    stephen steve steven stevie stefan steffen
    susan sue susie suzy susanne
    svetlana sveta
    tatiana tanya
    theodore ted theo teddy
    theresa terry tess tessa terri
    thomas tom tommy tomas tomasz tommaso
    timothy tim timmy
    tobias tobi toby
    tomasz tomek
    ulrich uli
    ursula uschi ulla
    valentina valya
    vasily vasya
    victor vic vick viktor
    victoria vicky tori viktoria
    vincent vince vinny
    vladimir vova volodya vlad
    volodymyr vova
    walter walt wally
    wilhelm willi willy bill
    william bill will billy willy liam wilhelm guillermo
    wolfgang wolf wolfi
    yevgeny zhenya
    yulia julia
    zachary zach zack
"""


def _table() -> dict[str, frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for line in _GROUPS.strip().splitlines():
        full, *short = line.split()
        groups.setdefault(full, set()).update(short)
        for name in short:
            # Who is introduced as Bob may be written as Robert; Bob and Bobby are no further apart.
            groups.setdefault(name, set()).add(full)
    return {name: frozenset(others) for name, others in groups.items()}


NICKNAMES: Final = _table()
"""Given names and what else their bearer is called, in ASCII letters."""
