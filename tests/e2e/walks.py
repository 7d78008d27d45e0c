"""Ways through the chat on the local phone: what is tapped, and the words it leads to."""

FOUNDING = (
    ("Start a case", "any of these right now?"),
    ("None of these", "Where is the client being treated"),
    ("Methadone clinic", "Which medication"),
    ("1 · Methadone", "What is the opioid for?"),
    ("Flare", "Which opioid(s)"),
    ("Oxycodone", "How long has the client"),
    ("3-12", "stop or taper plan"),
    ("open-ended", "What monitoring"),
    ("Pain-prescriber", "Ticked: Pain-prescriber"),
    ("2 · Counselor", "Counselor check-ins."),
    ("Done", "check your answers"),
    ("Show the summary", "Agree a written plan to be off within 90 days"),
)
"""The founding case, from the first tap to its summary."""
