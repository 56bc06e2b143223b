"""English words that say nothing of a subject: little weight in a question, no stored bits in a passage."""

WORDS = """
    a an the this that these those there here it its he she they them their his her we us our you your i me my s t
    is are was were be been being am do does did doing have has had having
    can could will would shall should may might must
    and or but if than then so such not no nor too very just also only
    to of in on for at by from with as into onto about over under between
    what when where which who whom whose why how any some all each
"""
STOP_WORDS = frozenset(WORDS.split())
