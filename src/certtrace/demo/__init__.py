"""The SoftArch Cert AI services in small: capture, queue, grading workers, LLM gateway, provider, expert review.

Real sockets, real queues, a real (small) grader: `certtrace demo` shows certtrace on it, and the code reads as an
example of how a service uses certtrace.
"""
