"""What requests about prompts carry."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from certtrace.records.catalog import prompts
from certtrace.records.catalog.prompt_filters import PromptFilter
from certtrace.server.api.fields import FolderPath, Moment, Version, wrong
from certtrace.server.api.templates import redacted_texts
from certtrace.server.box import Box
from certtrace.server.intake.redacting import sought_name

_RESERVED: Final = ("new", "metrics")
_LONGEST_LABEL: Final = 36
_LONGEST_MESSAGE: Final = 500
_PLACEHOLDER: Final = r"^[a-zA-Z][a-zA-Z0-9_]*$"
_LABEL: Final = r"^[a-z0-9_\-.]+$"
_LARGEST_PAGE: Final = 2**53


def _prompt_name(name: str) -> str:
    if "|" in name:
        msg = "Prompt name cannot contain '|' character"
        raise wrong(msg)
    if name in _RESERVED:
        msg = f"Prompt name cannot be '{name}'"
        raise wrong(msg)
    return name


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class ChatMessage(_Body):
    """One message of a chat prompt."""

    role: str
    content: str


class PlaceholderMessage(_Body):
    """Where messages are put in when the prompt is used."""

    type: Literal["placeholder"]
    name: Annotated[str, Field(pattern=_PLACEHOLDER)]


Messages = list[Annotated[ChatMessage | PlaceholderMessage, Field(union_mode="left_to_right")]]


class PromptBody(_Body):
    """A new version of a prompt."""

    name: Annotated[FolderPath, AfterValidator(_prompt_name)]
    type: Literal["text", "chat"] = "text"
    prompt: str | Messages
    config: Any = None
    labels: list[Annotated[str, Field(min_length=1, max_length=_LONGEST_LABEL, pattern=_LABEL)]] | None = None
    tags: list[str] | None = None
    commit_message: Annotated[str, Field(max_length=_LONGEST_MESSAGE)] | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if isinstance(self.prompt, str) is not (self.type == "text"):
            wanted = "a text" if self.type == "text" else "a list of messages"
            msg = f"A prompt of this type is {wanted}"
            raise wrong(msg)
        return self

    def content(self) -> Any:
        """Return the content as it is stored."""
        return self.prompt if isinstance(self.prompt, str) else [message.model_dump() for message in self.prompt]


class LegacyPromptBody(PromptBody):
    """A new version of a prompt, as older clients send it."""

    is_active: bool
    """Whether it becomes the production version."""


class LabelsBody(_Body):
    """Labels for one version."""

    new_labels: list[str]

    @model_validator(mode="after")
    def _leaves_latest_alone(self) -> Self:
        if prompts.LATEST in self.new_labels:
            msg = "Label 'latest' is always assigned to the latest prompt version"
            raise wrong(msg)
        return self


class PromptsQuery(_Body):
    """Which prompts to list; a `filter` stands for all other filters."""

    name: str | None = None
    version: Version = None
    label: str | None = None
    tag: str | None = None
    from_updated_at: Moment | None = None
    to_updated_at: Moment | None = None
    filter: str | None = None
    page: Annotated[int, Field(ge=1, le=_LARGEST_PAGE)] = 1
    limit: Annotated[int, Field(ge=1, le=100)] = 10

    def simple(self, box: Box) -> PromptFilter:
        """Return the simple filters; texts are looked for as they are stored."""
        return PromptFilter(
            name=sought_name(box, self.name) if self.name else None,
            version=self.version or None,
            label=sought_name(box, self.label) if self.label else None,
            tag=redacted_texts(box, [self.tag])[0] if self.tag else None,
            from_updated_ns=self.from_updated_at,
            to_updated_ns=self.to_updated_at,
        )
