"""What simulated callers ask and simulated models say: plain business prose, drawn at random."""

import random

STATEMENTS = (
    "We should move the billing service to the new region before the holiday season.",
    "Churn rose in the second quarter although prices stayed the same.",
    "The support team wants to answer within one hour on working days.",
    "A second warehouse would shorten deliveries in the north by a day.",
    "Our onboarding takes three weeks and half of it is waiting.",
    "The mobile app should work without a connection on the shop floor.",
    "We plan to replace the weekly report with a live overview.",
    "Hiring two data engineers is cheaper than the current agency contract.",
)

_SUBJECTS = ("The team", "A first pilot", "The current process", "Each region", "The budget", "A small change")
_VERBS = ("depends on", "would benefit from", "can be measured by", "starts with", "is limited by", "should follow")
_OBJECTS = (
    "the number of open requests per week",
    "a clear owner and a date",
    "what customers do in their first month",
    "two weeks of steady measurements",
    "the cost of doing nothing",
    "a short list of risks and answers",
)
_QUESTIONS = (
    "Which outcome would show within a quarter that this was the right decision?",
    "Who carries the cost if the assumption turns out to be wrong?",
    "What has been tried before, and why did it stop?",
    "Which customers notice the change first, and how will you hear from them?",
    "What is the smallest step that would teach you the most?",
    "Which number would make you change your mind?",
    "Who has to agree before the first step, and what do they need?",
)
_WORDS_PER_PIECE = 5


def answer(rng: random.Random, prompt: str) -> str:
    """A model's answer: a numbered list where questions are asked for, else a few sentences."""
    if "question" in prompt.lower():
        chosen = rng.sample(_QUESTIONS, rng.randint(3, 5))
        return "\n".join(f"{number}. {question}" for number, question in enumerate(chosen, start=1))
    sentences = (
        f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_OBJECTS)}." for _ in range(rng.randint(2, 6))
    )
    return " ".join(sentences)


def pieces(text: str) -> tuple[str, ...]:
    """The text cut as a stream sends it, a few words at a time; joined, they are the text."""
    words = text.split(" ")
    groups = [words[i : i + _WORDS_PER_PIECE] for i in range(0, len(words), _WORDS_PER_PIECE)]
    return tuple((" " if i else "") + " ".join(group) for i, group in enumerate(groups))
