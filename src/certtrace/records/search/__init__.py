"""Full-text search over what is stored, which is redacted."""

from certtrace.records.search.finding import Found, locate
from certtrace.records.search.index import SearchIndex
from certtrace.records.search.words import Query, query_of

__all__ = ["Found", "Query", "SearchIndex", "locate", "query_of"]
