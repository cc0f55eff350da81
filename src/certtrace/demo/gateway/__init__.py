"""The LLM Inference Gateway: an OpenAI endpoint with cache, guardrail and router in front of the providers."""

from certtrace.demo.gateway.router import Router, Upstream
from certtrace.demo.gateway.service import Gateway

__all__ = ["Gateway", "Router", "Upstream"]
