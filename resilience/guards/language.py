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


def is_number(word: str) -> bool:
    """Whether a folded word stands for a number, in digits or in English."""
    return word[-1:].isdigit() or word in NUMBER_WORDS or word in SCALES
