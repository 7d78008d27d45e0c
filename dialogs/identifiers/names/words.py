"""The small closed sets of words by which a person is told from a thing."""

import re

from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.text import set_of

CIVIL = set_of(
    "mr mrs ms miss mx mister missus sra srta senor senora senorita señor señora mme mlle "
    "herr frau monsieur madame"
)
ELDER = set_of("sr don dona")
CLINICAL = set_of("dr drs doctor prof professor nurse counselor counsellor therapist")
OFFICE = set_of(
    "officer judge pastor rev reverend sgt sergeant lt capt captain detective deputy attorney "
    "coach father sister brother rabbi imam trooper warden sheriff agent sponsor pharmacist "
    "caseworker paramedic medic"
)
KIN_TITLE = set_of(
    "aunt auntie uncle grandma grandpa granny nana papa abuela abuelo tia tio cousin gramma "
    "grandmother grandfather"
)
NAMING = set_of("named name nombre aka alias nickname nicknamed llamado llamada")
"""Words that say the next one is a name."""
NOT_PEOPLE = set_of(
    "brand generic drug trade medication product street medicine chemical clinic file company "
    "pharmacy code slang common strain dog cat pet facility program user screen domain"
)
"""What else has a name."""
PERSON = set_of(
    "pt pts patient patients client wife husband spouse mom mum mother dad father brother "
    "sister son daughter bf gf boyfriend girlfriend partner fiance fiancee friend cousin aunt "
    "uncle niece nephew roommate "
    "sponsor neighbor neighbour caregiver caretaker guardian grandson granddaughter "
    "grandmother grandfather grandma grandpa stepdad stepmom stepson stepdaughter baby ex "
    "guy lady gentleman twin landlord boss coworker dealer inmate paciente esposa esposo hijo hija hermano "
    "hermana re regarding client's"
)
KIN = set_of(
    "wife husband spouse mom mum mother dad father brother sister son daughter bf gf boyfriend "
    "girlfriend partner fiance fiancee friend cousin aunt uncle niece nephew roommate sponsor "
    "neighbor neighbour caregiver guardian grandson granddaughter stepdad stepmom stepson "
    "stepdaughter grandmother grandfather grandma grandpa"
)
OWNERS = set_of("his her their my our")
SPEAKING = set_of(
    "with w about for from per saw see seen met told asked called call texted contact tell "
    "ask by and to signed signature consult visited paged d emailed phoned admitted "
    "discharged examined started regarding re mr cc attn dear hi hello hey thanks"
)
STRONG_VERBS = set_of(
    "says said reports reported states stated takes took wants wanted asks asked denies "
    "denied claims claimed missed relapsed came called lost uses used needs needed tells told "
    "thinks feels felt complains insists endorses endorsed admits "
    "admitted swears prefers refuses refused hates lives works worked stole sold sells "
    "overdosed presented presents tested keeps gets got left returned stopped started tried "
    "showed agreed texted disagrees disagreed believes hopes wishes misses "
    "smokes smoked snorts snorted injects injected drinks drank sleeps moved went goes comes "
    "calls knows likes loves struggles struggled takes ran brought brings begged begs fell "
    "wakes woke hid hides gave gives sees saw vomited threatens worries cried cries quit "
    "quits decided picked picks dropped doubled tapered visited seems failed fails screamed "
    "ate shares shared met pays paid walks walked texts texted skips skipped nods nodded weighs "
    "chews chewed licks thanked apologized apologised cursed yelled argued argues consents "
    "consented requested mentions mentioned explains explained remembers forgets forgot "
    "graduated attends attended drives drove bought buys eats slept detoxed withdrew eloped "
    "absconded breastfeeds vapes vaped snores coughs limps listens wonders has had is was"
)
WEAK_VERBS = set_of(
    "has had is was will does did can could would should may might isn't wasn't doesn't "
    "didn't hasn't needs"
)
PERSON_MODALS = set_of(
    "wont won't cant can't doesnt doesn't didnt didn't dont don't isnt isn't hasnt hasn't wasnt "
    "wasn't could would should is has was had will"
)
"""Verbs that make a person of a given name in small letters that is no word."""
STATES_OF = set_of(
    "on a an in not pregnant stable doing asking having taking using back still now out here "
    "very also again sober due homeless allergic withdrawing sedated interested worried "
    "requesting complaining looking currently only tolerating ready afraid unable getting "
    "going being his her my our"
)
_JOURNALS = (
    r"(?:JAMA|NEJM|BMJ|Lancet|Addiction|Annals|Pain|ASAM|CDC|FDA|Cochrane|SAMHSA|NIDA|MMWR|"
    r"AJP|JAM|DAD|JPSM|PLoS|PLOS|APA|ACOG|VA|N Engl|J [A-Z]|Am J|Ann |Br J|Clin |Drug )"
)
_COPIED = r"(?:19|20)\d\d\b"
CALLED = set_of("law act rule house project fund foundation center centre center's hall initiative")
"""Heads that with a capital keep even an owner from being a person: Casey's Law."""
RESULTS = set_of(
    "normal abnormal intact positive pos negative neg equivocal indeterminate "
    "bilaterally bilat grade stage level type class"
)
"""What follows a test or a scale that is named after somebody."""
TESTS = set_of(
    "test tests sign signs scale score maneuver manoeuvre classification criteria index "
    "stage grade questionnaire"
)
CITED = re.compile(
    rf"(?:'s)?,?\s(?:et al|and colleagues|& colleagues|\(?{_COPIED}|and [A-Z][a-z]+,? "
    rf"(?:{_JOURNALS}[A-Za-z ]{{0,16}})?\(?{_COPIED}|& [A-Z][a-z]+|"
    rf"[A-Z]{{1,3}},? (?:et al|\(?{_COPIED}|{_JOURNALS})|{_JOURNALS}[A-Za-z ]{{0,16}}\(?{_COPIED})"
)
"""What follows the author of a paper: et al, a year, initials with a year, a journal with a year."""
AUTHORS = re.compile(r",? et al\b| [A-Z]{1,3}(?:, [A-Z][A-Za-z'-]{1,20} [A-Z]{1,3}){0,8},? et al")
"""What follows the first of the authors of a paper: Lim JD, Roth E, et al."""
JOURNAL = re.compile(
    rf"(?:[A-Z][A-Za-z]{{0,12}}\.? ){{1,5}}[A-Z]?[A-Za-z]{{0,14}}[.,]? ?"
    rf"(?:{_COPIED} ?[;:,] ?\d{{1,4}}|\d{{1,4}} ?\(\d{{1,3}}\))"
)
"""The name of a journal with year and volume: N Engl J Med 2015;373."""
PARTICLES = set_of(
    "de la del los las van von der den di da dos das du al el bin ibn abu st san santa le ter "
    "ten y e mac mc o st. af av zu"
)
STOP = set_of(
    "a an the and or but of in on at to for with without from by as if then than that this "
    "these those is was are were be been being has have had do does did will would can could "
    "should may might must not no yes he she they we you i it his her their our your my its "
    "who what when where why how which there here so too very just only also even still now "
    "today tomorrow yesterday tonight again ever never always more less most least some any "
    "all both each every either neither one two three four five six seven eight nine ten up "
    "down out off over under back about after before since until while during new old good "
    "bad big small high low long short left right last next first second third same other "
    "such own per via mg ml she's he's"
)
NEVER_ALONE = set_of(
    "jan may june april august summer autumn christian christmas easter noel asia israel "
    "america india china jordan jersey kenya paris london dallas austin brooklyn chelsea savannah "
    "sierra dakota cheyenne montana carolina georgia virginia florence sydney phoenix houston "
    "denver berlin milan rome roman genesis crystal molly angel star "
    "sky major judge bishop pope gospel royal king queen prince princess stone river brook "
    "forest glen dale lane ford van eden trinity case cash chance grant grace max amber coral "
    "cloud luna stew norm peg tip tim kit tad dash reed ash mars venus jupiter titan apollo "
    "zen bliss merry happy constant true truly love lovely bright valor loyal noble sincere "
    "victor storm rain wind ocean bay cape cove lake marina summit canyon ridge heaven bear "
    "lion tiger hawk falcon eagle cricket kitten lark dove teal navy indigo silver ivory "
    "emerald sapphire garnet jewel gem diamond gold copper sterling sage rosemary thyme basil "
    "saffron cinnamon ginger pepper honey sugar candy brandy sherry tawny misty stormy rainy "
    "dusty rocky cliff clay heath wade ward lance pierce blaze axel maverick colt journey "
    "ramadan justice liberty destiny melody harmony charity chastity mercy patience prudence "
    "constance honor verity serenity"
) - {"grace", "max", "tim"}
MEETING = set_of(
    "saw told asked met called call tell ask seen boarding texted admitted discharged restart "
    "examined see"
)
MONTH_NAMES = frozenset({"may", "june", "april", "august", "jan"})
TOWN_HEADS = set_of("san santa los las fort port lake mount")
"""Words that make a town of the name after them."""
ACRONYMS = set_of(
    "gerd elisa lada adem aruba cara dana mars sara nora tara lisa carl rita olga ella emma "
    "clara grace miles irma isla maya nina stella sally anna alma iris eva ida ema"
)
"""Given names that in capitals stand for a trial, a test or a disease."""
CHAINS = set_of(
    "mcdonald wendy casey lowe tito denny arby macy kohl applebee chili dick sam hardee popeye "
    "domino zaxby friendly carl culver menard"
)
"""Names that with 's are shops and places to eat."""
AT_PLACES = set_of("at from to near outside like via for by of")
SURNAMES = set_of(
    "brown green white black gray grey young king long hill hall wood woods park parks stone rice "
    "bush cook bell banks fields rivers waters snow frost day knight price wise sharp strong hardy"
)
"""Everyday words that are common family names."""
HOUSEHOLD = set_of(
    "baby family twins twin kids children girls boys couple household newborn infant"
)
NICK = frozenset({"big", "lil", "little", "old", "young"})
NOT_AFTER = set_of(
    "camp day days eve house church period center street st ave road way protocol method line "
    "lines team group unit clinic hospital program programs study dust week weekend season "
    "care home health medical county jail township parish elementary"
)
FAMOUS = frozenset(
    {
        ("johns", "hopkins"),
        ("john", "hopkins"),
        ("betty", "ford"),
        ("dana", "farber"),
        ("mary", "jane"),
        ("joan", "of"),
        ("al", "anon"),
        ("nar", "anon"),
        ("st", "jude"),
        ("big", "pharma"),
        ("roe", "wade"),
        ("good", "samaritan"),
        ("lou", "gehrig"),
        ("rite", "aid"),
        ("duane", "reade"),
        ("whitney", "houston"),
        ("eli", "lilly"),
        ("orange", "book"),
        ("purdue", "pharma"),
        ("kaplan", "meier"),
        ("john", "henry"),
        ("hail", "mary"),
        ("molina", "healthcare"),
        ("rob", "peter"),
        ("peter", "to"),
        ("to", "paul"),
        ("john", "wort"),
        ("roland", "morris"),
        ("hamilton", "depression"),
        ("hamilton", "anxiety"),
        ("morse", "fall"),
        ("beck", "depression"),
        ("beck", "anxiety"),
        ("miller", "lite"),
        ("pay", "paul"),
        ("hobson", "choice"),
        ("occam", "razor"),
        ("ockham", "razor"),
        ("pandora", "box"),
        ("ryan", "haight"),
        ("dole", "nyswander"),
        ("bland", "altman"),
        ("bernard", "soulier"),
        ("caldwell", "luc"),
        ("dubin", "johnson"),
        ("epstein", "barr"),
        ("fitz", "hugh"),
        ("hugh", "curtis"),
        ("hardy", "weinberg"),
        ("hill", "sachs"),
        ("holliday", "segar"),
        ("legg", "calve"),
        ("calve", "perthes"),
        ("mann", "whitney"),
        ("michaelis", "menten"),
        ("niemann", "pick"),
        ("peutz", "jeghers"),
        ("ramsay", "hunt"),
        ("tolosa", "hunt"),
        ("sokolow", "lyon"),
        ("steven", "johnson"),
        ("tay", "sachs"),
        ("kellgren", "lawrence"),
        ("parkes", "weber"),
        ("osler", "weber"),
        ("pierre", "robin"),
        ("silver", "russell"),
        ("smith", "magenis"),
        ("eaton", "lambert"),
        ("marie", "tooth"),
        ("ann", "intern"),
        ("n", "engl"),
        ("engl", "j"),
        ("cleveland", "clinic"),
        ("abbott", "scs"),
        ("abbott", "labs"),
        ("abbott", "laboratories"),
        ("boston", "scientific"),
        ("jack", "daniel"),
        ("jack", "daniels"),
        ("jim", "beam"),
        ("johnnie", "walker"),
        ("captain", "morgan"),
        ("jose", "cuervo"),
        ("bloody", "mary"),
        ("uncle", "sam"),
        ("john", "doe"),
        ("jane", "doe"),
        ("juvenile", "hall"),
        ("foster", "mom"),
        ("foster", "dad"),
        ("foster", "care"),
        ("foster", "home"),
        ("foster", "parent"),
        ("foster", "parents"),
        ("foster", "mother"),
        ("foster", "father"),
        ("foster", "family"),
        ("foster", "child"),
        ("foster", "kids"),
        ("goodman", "gilman"),
        ("adam", "apple"),
        ("pete", "sake"),
        ("giant", "eagle"),
        ("hy", "vee"),
        ("winn", "dixie"),
        ("fred", "meyer"),
        ("sonora", "quest"),
        ("phoenix", "house"),
        ("odyssey", "house"),
        ("serenity", "house"),
        ("eleanor", "health"),
        ("wood", "johnson"),
        ("robert", "wood"),
        ("tai", "chi"),
        ("mark", "cuban"),
        ("jolly", "rancher"),
        ("west", "ward"),
        ("lin", "zhi"),
        ("trader", "joe"),
        ("papa", "john"),
        ("home", "depot"),
        ("burger", "king"),
        ("bon", "voyage"),
        ("average", "joe"),
        ("plain", "jane"),
        ("debbie", "downer"),
        ("nancy", "drew"),
        ("even", "steven"),
        ("tom", "dick"),
        ("dick", "and"),
        ("potato", "head"),
        ("aunt", "minnie"),
        ("mazel", "tov"),
        ("bair", "hugger"),
        ("rat", "park"),
        ("super", "bowl"),
        ("spring", "break"),
        ("gabby", "bars"),
        ("taco", "bell"),
        ("robert", "jones"),
        ("marshall", "marchetti"),
        ("marchetti", "krantz"),
        ("gardner", "wells"),
        ("hunt", "hess"),
        ("whitney", "u"),
        ("white", "claw"),
        ("oxford", "house"),
        ("harriet", "lane"),
        ("gulf", "war"),
        ("section", "eight"),
    }
)
"""Two words that name an institution, a firm or a saying."""
COUNTRIES = frozenset(
    {
        ("new", "zealand"),
        ("sri", "lanka"),
        ("costa", "rica"),
        ("el", "salvador"),
        ("hong", "kong"),
        ("sierra", "leone"),
        ("ivory", "coast"),
        ("burkina", "faso"),
        ("cape", "verde"),
        ("cabo", "verde"),
        ("san", "marino"),
        ("timor", "leste"),
        ("saint", "lucia"),
        ("st", "lucia"),
        ("nova", "scotia"),
    }
)
"""Countries and states of two words."""
IDIOM_VERBS = set_of(
    "returned got gets goes comes ran fell moved brings brought seems failed fails works "
    "worked showed shared struck met gave gives hopes wishes knows likes started stopped"
)
"""Verbs that things may have for a subject too."""
WISHES = set_of(
    "says said reports denies denied wants wanted asks asked claims insists endorses "
    "complains refuses refused prefers swears thinks feels relapsed overdosed told tells "
    "admits hates missed"
)
NO_SUBJECT = set_of(
    "doctor baby judge girl man lady boy mama papa god senator president layman priest king "
    "queen doc pain church army press sister court police union maid groom chief"
)
WINDOW = 3

NAMEISH = Sense.NAME | Sense.MAYBE
NAMED_BEFORE_IS = set_of("name nombre goes called known")
COPULA = set_of("is was by as")
WITHHELD = set_of("unknown withheld redacted removed here below above")
SMALL_VERBS = set_of("will may mark bill hope don case van tip chance can truly")
"""Given names that in small letters are nearly always the verb or noun."""
OFTEN_PEOPLE = set_of("will mark grace rose bill dean chase art drew frank pat joy dawn")
"""Given names that "has" or "had" makes persons of."""
HALF_PREFIXES = set_of("re co pre post non anti un de ex mid sub semi multi self all over under")
"""What may stand before a hyphen without being the half of a name."""
FEASTS = set_of("christmas easter noel ramadan may june april august jan summer winter autumn")
"""Given names that with "Day" or the like after them are times."""
DOES = set_of("did does can can't cannot will won't would wouldn't could couldn't")
PERSON_DOING = set_of(
    "diverting selling using withdrawing tapering dosing injecting snorting smoking drinking "
    "relapsing asking begging crying refusing denying lying hiding hoarding overdosing nodding "
    "missing taking requesting seeking struggling complaining calling texting working living "
    "sleeping vomiting threatening stealing"
)
"""What only people are found doing."""
NOUNS_FIRST = set_of("guy buddy bud baby doc")
"""Given names that at the head of a sentence are nearly always the noun."""
RARELY_PEOPLE = set_of("may will case chance summer hope love faith heaven crystal china rain")
STAYS = set_of("pregnant stable homeless sober here back")
TAKEN = set_of("been taken had asked missed lost failed tried used returned started stopped")
BEEN = set_of("on stable sober clean using taking off in out doing seeing coming asking")
TITLES = CIVIL | ELDER | CLINICAL | OFFICE | KIN_TITLE
