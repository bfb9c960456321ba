"""What English words do in a sentence, as far as the grounding checks need it."""

# Words without which a statement says something else; "n't" is "not" after folding.
NEGATIONS = frozenset(
    [
        "not",
        "no",
        "never",
        "none",
        "nobody",
        "nothing",
        "nowhere",
        "neither",
        "nor",
        "without",
        "hardly",
        "barely",
        "scarcely",
    ]
)
# What may be left out or put in without changing what is said.
ARTICLES = frozenset(["a", "an", "the", "that"])
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SHORT_SCALES = {"k": 1000, "m": 10**6, "mn": 10**6, "bn": 10**9, "tn": 10**12}
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS = {
    **{word: number for number, word in enumerate((_ONES + " eighteen nineteen").split())},
    **{word: number for number, word in enumerate(_ORDINALS.split())},
    **{word: 10 * number for number, word in enumerate(_TENS.split(), 2)},
    **{word[:-1] + "ieth": 10 * number for number, word in enumerate(_TENS.split(), 2)},
}
_FUNCTION_WORDS = """
a about after again against all also although am among an and any are as at be because been before being between both but by can
could did do does doing down during each either every few for from further had has have having he her here hers him his how however
i if in into is it its itself just may me might more most much must my of off on once only or other our out over own per same shall
she should since so some such than that the their them then there these they this those through thus to too under until up upon us
very was we were what when where which while who whom whose why will with within would you your s t d ll re ve according said says
"""
FUNCTION_WORDS = NEGATIONS.union(_FUNCTION_WORDS.split())


def _groups(text: str) -> dict[str, str]:
    """Each word with the first of its line, which stands for all that mean the same."""
    return {word: line.split()[0] for line in text.strip().splitlines() for word in line.split()}


UNITS = _groups("""
$ dollar dollars usd
€ euro euros eur
£ pound pounds gbp
¥ yen yuan
% percent percentage
mile miles mi
kilometre kilometres kilometer kilometers km
metre metres meter meters m
centimetre centimetres centimeter centimeters cm
millimetre millimetres millimeter millimeters mm
foot feet ft
inch inches
gram grams g
milligram milligrams mg
kilogram kilograms kg
ton tons tonne tonnes
litre litres liter liters l
gallon gallons
second seconds
minute minutes
hour hours
day days
week weeks
month months
year years
decade decades
century centuries
hundred
thousand k
million
billion bn
trillion tn
""")
# Small words and dates that turn what is said when one takes another's place.
TURNING = _groups("""
all every each always
some sometimes
most mostly
few rarely seldom
many often
more higher greater increased increase increases rose above over
less fewer lower smaller decreased decrease decreases fell below under
before until
after since
first
last
may might could can
must will shall
only
also
and
or
with
without
january jan
february feb
april apr
june
july
august aug
september sept sep
october oct
november nov
december dec
monday
tuesday
wednesday
thursday
friday
saturday
sunday
""")


def is_number(word: str) -> bool:
    """Whether a folded word stands for a number, in digits or in English."""
    return word[-1:].isdecimal() or word in NUMBER_WORDS or word in SCALES
