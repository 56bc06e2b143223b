"""What models cost: US dollars for a million tokens of input, output, cache read and cache write (five minutes).

By the beginning of a model's name. Read on 2026-11-23 in Anthropic's public documentation (“Pricing”, “Model pricing”);
the setting MODEL_PRICES adds to it or corrects it.
"""

PRICES: dict[str, tuple[float, float, float, float]] = {
    "claude-haiku-5-5": (0.5, 2.5, 0.05, 0.625),  # of prompts beyond 100,000 tokens; shorter ones are cheaper
    "claude-haiku": (1, 5, 0.1, 1.25),
    "claude-sonnet-5-5": (2, 10, 0.1, 2.5),
    "claude-sonnet": (3, 15, 0.3, 3.75),
    "claude-opus-5-5": (4, 20, 0.2, 5),
    "claude-opus": (5, 25, 0.5, 6.25),
    "claude-fable": (10, 50, 1, 12.5),
}
