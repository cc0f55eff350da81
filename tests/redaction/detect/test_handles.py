import pytest

from .finding import of_type


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("@rajesh.i can you double check the mark", "rajesh.i"),
        ("cc @jane_doe99, thanks", "jane_doe99"),
        ("Thanks @JaneDoe!", "JaneDoe"),
        ("please ask @janedoe: is it done", "janedoe"),
        ("https://github.com/janedoe", "janedoe"),
        ("linkedin.com/in/jane-doe-123/ is me", "jane-doe-123"),
        ("https://x.com/jane_doe, yes", "jane_doe"),
        ("https://medium.com/@janedoe/why-queues-123", "janedoe"),
        ("https://stackoverflow.com/users/22656/jane-doe", "jane-doe"),
        ('File "/home/lwang/work/app.py"', "lwang"),
        ("C:\\Users\\lwang\\x.txt", "lwang"),
        ("user=jdoe action=login", "jdoe"),
        ("'login':'jane'", "jane"),
        ("Username: jdoe\nPassword", "jdoe"),
        ("Failed password for invalid user jdoe from 10.0.0.1", "jdoe"),
        ("session opened for user jane by (uid=0)", "jane"),
        ("jane@db01:~$ ls", "jane"),
        ("ssh -p 22 jane@db01", "jane"),
    ],
)
def test_the_name_of_an_account_is_found(text, name):
    assert of_type("USERNAME", text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        '@app.route("/x")\ndef f(): pass',
        "@dataclass\nclass A: pass\n@custom_decorator\nasync def f():",
        "@Override\npublic void run() {}\nuse @Transactional on the service",
        'import x from "@angular/core"; "@types/node": "1.0"',
        "@media screen and (max-width: 10px) { a { color: red } }",
        "SELECT * FROM users WHERE id = @userId; SET @total = 1; DECLARE @x INT",
        "@param name the name\n@return the thing",
        '{"@context": "https://schema.org", "@type": "Person"} <a @click="x">',
        "meet @noon or @home; 48 bit @ 1000; docker pull nginx@sha256:abcd",
        "https://github.com/kubernetes/kubernetes https://github.com/features",
        "https://stackoverflow.com/questions/123/x https://www.reddit.com/r/Rag/comments/1h2",
        "/home/user/x /home/runner/work /Users/Shared/x",
        "user=request.user; username=username; user = load(x); user: a person who logs in",
        "Login: the user types a name. User: hello there. mailbox for user mailboxes,",
        "Failed password for root from 10.0.0.1; git@github.com:org/repo.git",
    ],
)
def test_annotations_code_paths_and_sentences_stay(text):
    assert of_type("USERNAME", text) == []
