"""Other redactors behind one call, with their own defaults; each is imported when it is asked for.

Tools that act on keys only, or replace whole values on a keyword, have no place in a table by spans. Presidio runs
without a language model, because none can be shipped: its recognizers of forms are what is compared.
"""

import re
from collections.abc import Callable, Iterable

from labelled import Span, Tool

_PRESIDIO = {
    "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP", "MAC_ADDRESS": "MAC",
    "US_SSN": "SSN", "CREDIT_CARD": "CREDIT_CARD", "PERSON": "PERSON", "DATE_TIME": "DATE_TIME", "URL": "URL",
    "CRYPTO": "CRYPTO", "LOCATION": "ADDRESS",
}  # fmt: skip


def presidio(threshold: float) -> Callable[[], Tool]:
    def make() -> Tool:
        import spacy
        import tldextract
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine

        # No download at run time: the list of public suffixes that comes with the package.
        tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
        tldextract.extract = tldextract.tldextract.TLD_EXTRACTOR

        class Blank(SpacyNlpEngine):
            def __init__(self) -> None:
                super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
                self.nlp = {"en": spacy.blank("en")}

            def load(self) -> None:
                pass

        engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])

        def find(text: str) -> Iterable[Span]:
            for result in engine.analyze(text, language="en", score_threshold=threshold):
                kind = _PRESIDIO.get(result.entity_type, "NATIONAL_ID")
                yield result.start, result.end, kind

        return find

    return make


def scrubadub() -> Tool:
    import scrubadub as library

    scrubber = library.Scrubber()
    kinds = {"email": "EMAIL", "phone": "PHONE", "credit_card": "CREDIT_CARD", "credential": "SECRET", "url": "URL",
             "social_security_number": "SSN", "national_insurance_number": "NATIONAL_ID", "twitter": "USERNAME"}  # fmt: skip

    def find(text: str) -> Iterable[Span]:
        for filth in scrubber.iter_filth(text):
            yield filth.beg, filth.end, kinds.get(filth.type, "NATIONAL_ID")

    return find


def datafog() -> Tool:
    from datafog.processing.text_processing.regex_annotator import RegexAnnotator

    annotator = RegexAnnotator()
    kinds = {"EMAIL": "EMAIL", "PHONE": "PHONE", "SSN": "SSN", "CREDIT_CARD": "CREDIT_CARD", "IP_ADDRESS": "IP",
             "DOB": "DOB", "ZIP": "ADDRESS"}  # fmt: skip

    def find(text: str) -> Iterable[Span]:
        for span in annotator.annotate_with_spans(text)[1].spans:
            yield span.start, span.end, kinds.get(span.label, span.label)

    return find


def phonenumbers() -> Tool:
    import phonenumbers as library

    def find(text: str) -> Iterable[Span]:
        for region in (None, "US", "GB"):
            for match in library.PhoneNumberMatcher(text, region):
                yield match.start, match.end, "PHONE"

    return find


def langsmith() -> Tool:
    from langsmith import anonymizer

    patterns = [rule["pattern"] for rule in anonymizer.DEFAULT_SECRET_RULES]

    def find(text: str) -> Iterable[Span]:
        for pattern in patterns:
            for match in re.finditer(pattern, text):
                yield *match.span(), "SECRET"

    return find


def detect_secrets() -> Tool:
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import default_settings

    def find(text: str) -> Iterable[Span]:
        with default_settings():
            offset = 0
            for line in text.splitlines(keepends=True):
                for secret in scan_line(line):
                    place = line.find(secret.secret_value or "\0")
                    if place >= 0:
                        yield offset + place, offset + place + len(secret.secret_value), "SECRET"
                offset += len(line)

    return find


def logfire() -> Tool:
    from logfire._internal.scrubbing import DEFAULT_PATTERNS

    pattern = re.compile("|".join(DEFAULT_PATTERNS), re.IGNORECASE)

    def find(text: str) -> Iterable[Span]:
        if pattern.search(text):  # the whole value goes
            yield 0, len(text), "SECRET"

    return find


def credsweeper() -> Tool:
    from credsweeper import CredSweeper
    from credsweeper.file_handler.string_content_provider import StringContentProvider

    sweeper = CredSweeper(ml_threshold=0)

    def find(text: str) -> Iterable[Span]:
        lines = text.splitlines(keepends=True)
        offsets = [0]
        for line in lines:
            offsets.append(offsets[-1] + len(line))
        provider = StringContentProvider([line.rstrip("\r\n") for line in lines])
        for candidate in sweeper.file_scan(provider):
            for data in candidate.line_data_list:
                if data.value_start >= 0:
                    begin = offsets[data.line_pos] + data.value_start
                    yield begin, begin + len(data.value), "SECRET"

    return find


PEERS: dict[str, Callable[[], Tool]] = {
    "presidio >= 0.4": presidio(0.4),
    "presidio >= 0": presidio(0.0),
    "scrubadub": scrubadub,
    "datafog": datafog,
    "phonenumbers": phonenumbers,
    "langsmith": langsmith,
    "detect-secrets": detect_secrets,
    "credsweeper, no ML": credsweeper,
    "logfire": logfire,
}
