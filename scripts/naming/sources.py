"""What the model is made of: travels in the model file, as the licences ask."""

CHANGES = "Names were exchanged for others, spacing and case were changed, labels of handles were left out."

SOURCES = [
    {
        "name": "WNUT 2017, Novel and Emerging Entity Recognition (training and development part)",
        "by": "Leon Derczynski, Eric Nichols, Marieke van Erp, Nut Limsopatham",
        "licence": "CC BY 4.0",
    },
    {"name": "LitBank", "by": "David Bamman, Sejal Popat, Sheng Shen", "licence": "CC BY 4.0"},
    {
        "name": "Broad Twitter Corpus (training part)",
        "by": "Leon Derczynski, Kalina Bontcheva, Ian Roberts",
        "licence": "CC BY 4.0",
    },
    {
        "name": "GUM, the Georgetown University Multilayer corpus (academic, court, interview, news)",
        "by": "Amir Zeldes and contributors; texts by Wikinews and the authors named in the corpus",
        "licence": "annotation CC BY 4.0, texts CC BY 4.0 and CC BY 2.5",
    },
    {"name": "presidio-research, synthetic sentences (half of the templates)", "by": "Microsoft", "licence": "MIT"},
    {"name": "DataFog test corpus (part)", "by": "DataFog", "licence": "MIT"},
    {
        "name": "Short Answer Feedback, communication networks (training part)",
        "by": "Anna Filighera, Siddharth Parihar, Tim Steuer, Tobias Meuser, Sebastian Ochs",
        "licence": "MIT",
    },
    {
        "name": "Submissions to architecture katas",
        "by": "the teams Connected AI, Software Architecture Guild, AI Archies, Magenta Force, Los Ingenials",
        "licence": "MIT, Apache-2.0",
    },
    {"name": "Texts of exam services, written for this project", "by": "Certifiable, Inc.", "licence": "CC0"},
    {"name": "Lists of names: Faker 40.54", "by": "Daniele Faraglia and contributors", "licence": "MIT"},
    {
        "name": "Lists of names: US Census, as packaged in names 0.3",
        "by": "US Census Bureau; Trey Hunner",
        "licence": "public domain; MIT",
    },
    {"name": "Sentences and lists of scripts/naming", "by": "Certifiable, Inc.", "licence": "MIT"},
]

REPEATS = {
    "cert": 2,
    "presidio": 3,
    "other": 2,
    "kata": 3,
    "casestudies": 2,
    "LitBank": 2,
    "GUM": 3,
    "WNUT": 2,
    "BTC": 2,
}
"""How often a text is seen in an epoch; the repetitions name other people."""

WEIGHTS = {"kata": 2.0, "casestudies": 2.0, "shortanswers": 2.0, "LitBank": 0.6, "GUM": 0.9, "WNUT": 0.6, "BTC": 0.4}
"""What an error costs, 1.0 where nothing is said."""
