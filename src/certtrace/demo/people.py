"""Who appears in the demo: candidates with all that a registration form asks for, and expert graders."""

from dataclasses import dataclass, fields
from typing import Annotated, Any

from certtrace import Pii
from certtrace.grading import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Candidate):
    """A candidate with the rest of the registration form. Each field says what it is, so redaction knows."""

    iban: Annotated[str | None, Pii.IBAN] = None
    card: Annotated[str | None, Pii.CREDIT_CARD] = None
    national_id: Annotated[str | None, Pii.NATIONAL_ID] = None
    profile_url: Annotated[str | None, Pii.USERNAME] = None
    handle: Annotated[str | None, Pii.USERNAME] = None
    date_of_birth: Annotated[str | None, Pii.DOB] = None
    mentor_name: Annotated[str | None, Pii.PERSON] = None
    mentor_email: Annotated[str | None, Pii.EMAIL] = None

    @property
    def form(self) -> dict[str, str]:
        """Return every field that is filled in."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name))}

    @property
    def identities(self) -> list[dict[str, str]]:
        """Return what `certtrace.identify(...)` is told: the candidate, and the mentor as a person of their own."""
        form = self.form
        mentor = {"name": form.pop("mentor_name", ""), "email": form.pop("mentor_email", ""), "role": "mentor"}
        own = [{**form, "role": "candidate"}]
        return [*own, mentor] if mentor["name"] else own

    @classmethod
    def from_form(cls, form: dict[str, Any]) -> "Person":
        """Take the fields of the form that are known here."""
        known = {each.name for each in fields(cls)}
        return cls(**{key: value for key, value in form.items() if key in known})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expert:
    """An Expert Software Architect. An expert's name is personal data, too."""

    name: Annotated[str, Pii.PERSON]
    login: Annotated[str, Pii.USERNAME]
