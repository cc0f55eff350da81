"""Sentences with places for people: exam answers, feedback, prompts, chats, mails, records, logs. Written for the training.

`{A}` is a person in full; `{A.first}`, `{A.last}`, `{A.comma}`, `{A.upper}`, `{A.lower}`, `{A.initial}`, `{A.short}`,
`{A.backward}`, `{A.lowerfirst}`, `{A.upperfirst}` are other forms; `{A.any}` is the full, first or last name. `{B}`, `{C}`
are other people. Lower-case places are no people.
"""

ANSWERS = """
My name is {A} and I have {n} years of experience with {tech}. I would use {pattern} here.
I am {A}, a solution architect from {city}. My answer: use {tech} with {pattern}.
i am {A.lower}, i think {pattern} is best because it scales
my name is {A.lower} and i would choose {tech} over {tech2}
im {A.lowerfirst} and i dont know the answer sorry
i am {A.lower} and this is my answer, {common} first, then {common2}
i am {A.lower} and i use {pattern}
hello i am {A.lower}, {common} {common2}
my name is {A.lower}, {common} {common2} {common3}
name {A.lower} id {id}
answer from {A.lower}: {common} {common2}
its {A.lowerfirst} here, {common} is {common2}
{A.lower}\n{common} {common2} {common3}
i asked {A.lower} and {B.lowerfirst} about {common}
{A.lowerfirst} and me did the {common} part
this is {A.lower} again, here is my second try: the sender waits for the ack
Written by {A}. The message broker decouples the services.
Author: {A}\nDate: {date}\n\nThe system is split into {n} services that talk over {tech}.
Name: {A}\nQuestion {n}: {pattern} isolates failures between services.
NAME: {A.upper}\nANSWER: {tech} is used as the event backbone.
{A.upper}\nCandidate {id}\nQuestion {n}\nThe router drops the packet when the TTL reaches zero.
{A}\nAnswer {n}. A {pattern} keeps the two bounded contexts apart.
{A.comma}\nExam session {date}\n{pattern} is not enough here.
{A.loud} - answer sheet {n} - {tech} stores the events.
As my colleague {A} pointed out, {tech} was too slow for this, so we moved to {tech2}.
My former boss {A.any} insisted on {tech}, which I would not do again.
In my team, {A.first} owns the {tech} cluster and {B.first} does the frontend.
When I worked at {org}, {A.any} and I migrated the monolith to {tech}.
Together with {A} I introduced {pattern} at {org} in {year}.
{A.first} from our platform team proposed {pattern}; I agree with {A.first} because of {law}.
I learned this from {A}, who taught the course at {org}.
We had the same problem at {org}: {A.last} wanted {tech}, {B.last} wanted {tech2}.
The product owner ({A}) and the lead developer ({B}) signed off the decision.
Stakeholders: {A} (sponsor), {B} (CTO), {C} (head of operations).
Stakeholders\n- {A}, product owner\n- {B}, security officer\n- {C}, operations
| Role | Name |\n|---|---|\n| Product owner | {A} |\n| Architect | {B} |
Deciders: {A}, {B}, {C}\nStatus: accepted
Decision makers: {A.initial}, {B.initial}
This ADR was proposed by {A} and accepted by {B.initial} on {date}.
Reviewed-by: {A} <{mail}>
Co-authored-by: {A} <{mail}>
Signed-off-by: {A} <{mail}>
Approved by {A.initial} and {B.initial}.
Contact {A.first} if the diagram does not open.
Thanks to {A} and {B} for proofreading this submission.
I would ask {A.any} from security before opening port {n}.
According to {A}, our enterprise architect, {tech} costs {n} euros a month.
{A} told me that the {tech} cluster would never fail, and it failed.
For example, when {A.first} buys a book, the order service emits an event and {tech} delivers it.
Use case: {A.first} logs in, {B.first} approves the request, and the system mails both.
The user story says: as {A.first}, a traveller, I want to see my trips.
I disagree with {A.last}, who says {pattern} is always better.
{A.last} et al. measured this in {year}; the latency of {tech} grew linearly.
See ({A.last} and {B.last}, {year}) for the proof.
Our architect {A.any} calls this "{pattern}".
{A.poss} proposal ignores {law}.
{A.poss} design uses {tech}, whereas {B.poss} uses {tech2}.
I did this in the same way as {A.any} did.
Sorry for the handwriting, {A.first}
Kind regards, {A}
Best regards\n{A}
Regards,\n{A.first}
Cheers, {A.first}
Yours sincerely,\n\n{A}\nSolution Architect\n{org}
Mit freundlichen Grüßen\n{A}
Cordialement, {A}
Saludos, {A.first}
-- \n{A}\n{org}, {city}\nTel. {phone}
{A}, {city}, {date}
PS: {A.first} and I did not talk during the exam.
(c) {A} {year}
// TODO({A.lowerfirst}): replace {tech} by {tech2}
# author: {A}
@author {A}
"""

FEEDBACK = """
{A.any} explains {pattern} well but forgets {tech}. Score {n}/10.
{A.poss} answer is correct. Full marks.
{A.poss} answer names {tech} but gives no reason for {pattern}.
{A} correctly identifies {pattern}, but does not discuss {tech}.
{A.any} did not answer question {n}.
{A.first} misses the point: {law} does not apply.
{A.last} gets {n} points for the diagram, {B.last} gets none.
Candidate {A} shows a good understanding of {pattern}.
The candidate, {A}, confuses {pattern} with {pattern2}.
The candidate ({A}) did not mention {tech}.
Student {A} wrote: use {tech}.
Student: {A}\nGrade: {n}\nComment: names {pattern}, no trade-offs.
Examiner {A}: the answer covers {pattern}.
Examiner: {A}\nSecond examiner: {B}\nVerdict: pass
First marker {A.initial}, second marker {B.initial}: agreed on {n}.
Grader {A} gave {n}, grader {B} gave {n2}; please arbitrate.
Graded by {A} on {date}; second opinion by {B}.
Reviewed by {A} ({mail}) on {date}.
Reviewer: {A.any} Comment: partly correct, {tech} is missing.
Expert {A} overrode the AI grade from {n} to {n2}.
Expert review by {A.any}: approve.
Overridden by {A}, reason: wrong rubric.
I agree with {A.any} here, {n} points.
I agree with {A.poss} mark.
{A} and {B} disagree about criterion {n}; {C} decides.
Second grader {A} agreed with {B}.
Ask {A.first} to re-check question {n}.
Please forward to {A} for a second opinion.
Moderated by {A}. Change: {n} to {n2}.
Appeal of {A.any} rejected by {B}: grading matches the rubric.
The appeal from {A} was assigned to {B}.
Feedback for {A}: your solution uses {tech} as a cache, which is fine.
Feedback for {A.first}:\n- {pattern} well explained\n- cost ignored
Well done, {A.first}! You explained {pattern} clearly.
Good work {A.first}, but {law} is missing.
Nice try, {A.first}. Think about {pattern} again.
{A.first}, your answer is incomplete.
{A.first}, you mention {tech} without saying why.
Hi {A.first}, thanks for submitting. Your result is {n} %.
Hello {A}, your certificate is attached.
Dear {A.first},\nyou passed with {n} points.\nThe Certification Team
Dear {A},\n\nthank you for your submission. The expert was {B}.\n\nKind regards\n{C}
Dear Mr {A.last}, we regret that you did not pass.
Dear Ms. {A.last}, your appeal has been received.
Dear Dr. {A.last}, please grade the attached answers.
Dear Prof. {A}, the session is on {weekday}.
Mr {A.last} has asked for more time.
Mrs. {A.last} and Mr. {B.last} sat next to each other.
Plagiarism check: {A} and {B} share {n} sentences.
{A} copied from {B}, see the diagram.
Compare with the submission of {A.any}.
Proctor {A} noted that {B.first} left the room at {time}.
Invigilator: {A}
Late submission by {A.any} accepted by {B.any}.
Call {A.first} back on {phone}.
Escalated to {A}; {B.first} is on leave until {weekday}.
This was {A.poss} third attempt.
Score {n}. {A.any} should read about {law}.
Rubric item {n}: met by {A.last}, not by {B.last}.
Candidates {A.last}, {B.last} and {C.last} must retake the test.
Passed: {A}, {B}. Failed: {C}.
1. {A} {n}\n2. {B} {n2}\n3. {C} {n}
{A.comma}: {n} points; {B.comma}: {n2} points
{A.comma}\t{n}\n{B.comma}\t{n2}
"""

MACHINES = """
{"name": "{A}", "email": "{mail}", "grade": {n}}
{"name":"{A}","answer":"{tech} because of {law}"}
{"candidate": {"first_name": "{A.first}", "last_name": "{A.last}"}, "score": {n}}
{"firstName":"{A.first}","lastName":"{A.last}","city":"{city}"}
{"given_name": "{A.first}", "family_name": "{A.last}", "locale": "en"}
{"user": "{A}", "role": "examiner", "product": "{tech}"}
{"reviewer":"{A}","decision":"approve","delta":{n}}
{"author": "{A}", "title": "{heading}", "year": {year}}
{"assignee": "{A}", "reporter": "{B}", "summary": "{tech} is slow"}
{"role":"user","content":"Hello, I am {A} and I want my grade."}
{"role":"assistant","content":"Hello {A.first}, your grade is {n}."}
{"messages":[{"role":"user","content":"Grade the answer of {A}: {pattern} with {tech}."}],"temperature":0.2}
{"completion":"{A.any} explains {pattern} but not {tech}.","tokens":{n}}
{"rationale": "{A.any} names {pattern}; {B.any} does not.", "grade": {n}}
{"input": "Student {A}: {tech} is a cache", "output": "{n}"}
{"participants": ["{A}", "{B}", "{C}"]}
{"to": "{A} <{mail}>", "subject": "Your result"}
{'candidate': '{A}', 'attempt': {n}}
Candidate(name='{A}', email='{mail}', attempts={n})
Person(first_name='{A.first}', last_name='{A.last}')
User {A} logged in from {ip}
user "{A}" not found
INFO grading started for {A} ({id})
{date} {time} INFO  [worker-{n}] candidate={A} question={n2} status=ok
{date}T{time}Z WARN no rubric for {A}, falling back to {tech}
{time} ERROR candidate {A} has no attempt {n}
ERROR: could not send certificate to {A}
[{time}] {A}: my connection was lost
[{time}] <{A.first}> can someone restart {tech}?
level=error msg="grading failed" candidate="{A}" err="timeout"
level=info student_name="{A}" topic={tech}
ValueError: no candidate named {A}
ValueError: unknown candidate '{A}'
KeyError: '{A}'
LookupError: {A} is not registered for session {n}
AssertionError: expected grade for {A}, got None
pydantic_core.ValidationError: 1 validation error for Candidate\nage\n  Input should be a valid integer [type=int_parsing, input_value='{A}', input_type=str]
Traceback (most recent call last):\n  File "/app/grader/{word}.py", line {n}, in grade\n    raise GradingError(candidate)\ngrader.GradingError: grading of {A} failed
RuntimeError: {A.first} {A.last} already graded by {B}
sqlalchemy.exc.IntegrityError: duplicate key value violates unique constraint\nDETAIL:  Key (full_name)=({A}) already exists.
[SQL: INSERT INTO candidates (name, email) VALUES (%s, %s)]\n[parameters: ('{A}', '{mail}')]
SELECT * FROM candidates WHERE last_name = '{A.last}' AND first_name = '{A.first}'
INSERT INTO experts (name) VALUES ('{A}');
UPDATE candidate SET name='{A}' WHERE id={n}
name,email,score\n{A},{mail},{n}\n{B},{mail},{n2}
id;name;grade\n{n};{A};{n2}
{n}\t{A}\t{city}\t{date}
name: {A}\nemail: {mail}
candidate:\n  name: {A}\n  country: {country}
<candidate>{A}</candidate><score>{n}</score>
<name>{A}</name>
<author>{A}</author>
<p>Dear {A.first},</p>
**Candidate:** {A}\n**Score:** {n}
- **{A}**: {n} points
## Submission of {A}
# {A.poss} answer
> {A} wrote:\n> use {tech}
On {date}, {A} <{mail}> wrote:
From: {A} <{mail}>\nTo: {B} <{mail}>\nSubject: question {n}
From: {A}\nSent: {weekday}\nTo: {B}\nCc: {C}
"{A}" <{mail}>
{mail} ({A})
Forwarded message from {A}
commit {hex}\nAuthor: {A} <{mail}>\nDate:   {weekday}
deploy triggered by {A} ({user}) to staging
{A} merged pull request #{n} from {B}
{A} commented on line {n}
@{user} ({A.first}) please check {tech}
assigned to: {A.any}
owner: {A}
Reported by: {A}
Contact: {A}, {mail}, {phone}
System prompt: you grade answers. The student's name is {A}.
System: You are a strict grader.\nUser: {A} answers: "{pattern}".
Human: I'm {A}. What is my score?\nAssistant: Hello {A.first}, I cannot tell.
User: my name is {A}\nAssistant: Nice to meet you, {A.first}!
Human: can you tell {A.first} that the {tech} test is on {weekday}?
### Candidate\n{A}\n### Answer\nUse {tech}.
Grade the following answer by {A}. Rubric: {pattern} (2), {tech} (1).
You are grading {A.poss} submission. Do not reveal the model answer.
Answer of candidate {A} ({id}): {law} applies.
Here is the answer from {A}:\n\n{tech} is a queue.
Student name: {A}; student id: {id}
Full name: {A}
Surname: {A.last}\nFirst name: {A.first}
Last name {A.last}, first name {A.first}
Vorname: {A.first} Nachname: {A.last}
Nom: {A.last} Prénom: {A.first}
"""

TALK = """
{A.any} lives in {city}.
This {common} by ex-{title} {A.last} is a {common2}.
a {common} by former {title} {A.any} about {common2}
The {title} {common} by {A.last} is not {common2}.
frontman {A.last}, drummer {B.last} and singer {C.last}
striker {A.last} and goalkeeper {B}
As regular {common} {A} points out, {common2} is {common3}.
commenter {A.any} points out that {common} is {common2}
I would like to add my kid {A.first} to the {common}.
I want to remove my cousin {A.first} from the {common}.
My partner {A.first} needs the {common}.
my neighbour {A.any} has a {common}
Our kids {A.first} and {B.first} like {common}.
We need to add {A} as {common} for my {common2}.
{A.last} began {common} as a teenager in {city}.
{A.last} grew up in {city} and studied {common} at the University of {city2}.
{A.first} grew up on a {common} near {city}.
{A.first}: What a {common}.\n{B.first}: Remember me, {C.first}?
{A.first}: {common} {common2}!\n{B.first}: {title} {common3}, {A.first}.
{A.any} is the {common} of the {common2}.
{A.any} {common} the {common2} in {year}.
{A.any} will be talking about {common}.
{A.any} had given {B.any} the {common}.
{A} listed his top {n} songs for {org}.
"{title} {title2}" by {A}
{title} by {A}, translated by {B}
The {common} of {A.any} and the {common2} of {B.any}
{title}, {A.any} and {B.any} {common}
with {A.any}, {B.any}, {C.any} and others
The {A.last} government {common} the {common2}.
the {A.last} family, the {A.last} case
Mr. {A.last} and Mrs. {A.last} {common} it.
Justice {A.last} asked General {B.last} about the {common}.
Minister of {title} {A} said that {common} is {common2}.
Secretary {A.last} and Undersecretary {B.last}
{title} {A.any} {common} {common2}.
{A} was born in {city} in {year}.
{A} works for {org} in {city}.
{A}, {n}, of {city}, said that {B.last} had called.
{A} joined {org} as {role} in {year}.
{A} is a {role} at {org}.
{A} is going to speak at the conference in {city}.
{A} met {B} in {city} last {weekday}.
{A.first} and {B.first} are friends.
{A.first} gave {B.first} her number: {phone}
{A.first} moved to {n} {A.last} Street, {city}
{A.first} never liked {city}.
{A.last} said on {weekday} that the plan would go ahead.
{A.last} and {B.last} founded {org} in {year}.
Our founders, {A.last}, {B.last} and {C.last}, met in {city}.
President {A.last} visited {country} on {weekday}.
Judge {A.last} dismissed the case.
Senator {A} voted against it.
Dr. {A.last} will see you at {time}.
Dr {A} called about the results.
Nurse {A.first} was very kind.
Uncle {A.first} and aunt {B.first} came from {city}.
my brother {A.lowerfirst} lives in {city}
my friend {A.first} told me about {org}
My son {A.first} needs a new card.
My wife {A.first} and I want a joint account.
My husband's name is {A}.
My daughter is called {A.first}.
Call me {A.first}.
call me {A.lowerfirst} please
People call me {A.first}.
They named the baby {A.first}.
Who is {A}?
Why is {A.first} so late?
Where is {A.lowerfirst}?
What did {A.any} say?
Is {A.first} coming to {city}?
Have you seen {A.first}?
Have you met {A}?
Do you know {A} from {org}?
Have you heard the new record by {A}?
I saw {A} live in {city}, a great concert.
A song by {A}, written in {year}.
Directed by {A}
Written and directed by: {A}\nStarring: {B}, {C}
Starring {A}, {B} and {C}
Photo: {A}
Photograph by {A}.
Music: {A} Lyrics: {B}
{A}: Hello?\n{B}: Who is it?
{A.first}: I am not sure.\n{B.first}: Me neither, {A.first}!
"I don't know," said {A.first}.
"Come in, {A.first}," said {B.last}.
{A.first} laughed and looked at {B.first}.
{A.poss} mother was from {country}.
It is {A.poss} turn.
This is {A} speaking.
This is {A.first}, how can I help you?
Hi, this is {A} from {org}.
Could I speak to {A}, please?
{A.first}, can I talk to you?
Hey {A.first}!
hey {A.lowerfirst}, whats up
hi {A.lowerfirst} can u call {B.lowerfirst}?
thanks {A.lowerfirst}
Thank you, {A.first}.
Thanks {A.first}! See you on {weekday}.
Happy birthday {A.first}!
RIP {A}
The account is in the name of {A}.
Please change the name on my card to {A}.
The card belongs to {A}
The policy holder is {A}, born {date}.
The name on the booking is {A.comma}.
It might be under {A.last}, or {B}
Is there a reservation for {A.last}?
Patient: {A}, DOB {date}
Patient {A} was seen by Dr. {B}.
Employee: {A}, office {city}
Attending physician: {A}
Mother's maiden name: {A.last}
Emergency contact: {A} ({phone})
Next of kin: {A}
Bill to: {A}, {n} Main Street, {city}
Ship to\n{A}\n{n} {B.last} Road\n{city}
{A}\n{org}\n{n} High Street\n{city}\n{country}
{A}\n{role}\n{org}\n{phone}
{A} | {role} | {mail}
> {A}\n> {org}\n> {city}
Attendees: {A}, {B}, {C}
Present: {A.initial}, {B.initial}, {C.initial}
Participants were {A.first}, {B.first}, {C.first} and {A.last}.
They had three: {A.first}, {B.first} and {C.first}.
The winners are {A} ({country}) and {B} ({country}).
{A.last} scored in the {n}th minute, {B.last} was booked.
{A.last} v. {B.last}
{A} v. {org}
Wikinews interviews {A} about {city}
An interview with {A}, {role} at {org}
Interview with {A} on {weekday}
Biographer {A} wrote about {B}.
The {nation} player {A} was arrested.
The {nation} minister {A} resigned.
former {role} {A}
{org} chief executive {A} said {weekday}.
said {A}, {role} of {org}.
{A} (born {date}) is a {nation} {role}.
according to {A.last}
RT @{user}: {A} is the best
watching {A} on tv lol
omg {A.lower} is so funny
sometimes they call me {A.lowerfirst}
the truth about {A.lowerfirst} is not known
where is {A.lowerfirst} and {B.lower}
ask {A.lower} or {B.lower}, they {common} it
{A.lower} is very {common}
{A.lowerfirst} said {common} to {B.lowerfirst}
dear {A.lower}, {common} {common2}
thx {A.lowerfirst}
i miss {A.lowerfirst} and {B.lowerfirst}
"""

NOTHING = """
I would pick {tech} because the services fail independently.
We put {tech} in front of {tech2} and use the {pattern} pattern.
{tech} handles retries, {tech2} stores the events and {tech3} shows the traces.
The team moved from {tech} to {tech2} in {year}.
{tech} is a better choice than {tech2} for this load.
The answer names {law} but not {pattern}.
{law} says that the design mirrors the organisation.
{law} is explained well; {tech} is missing.
According to {law}, the queue grows.
By {law} the latency rises.
Score {n}: names the right pattern ({pattern}) but no reason for {tech}.
Score: {n}. Correct use of {tech}.
Correct. {tech} is a message broker.
Partially correct: {pattern} is named, {law} is not.
Missing: {tech}, {pattern}.
Use {pattern} with {tech}.
Use {tech} for caching and {tech2} for search.
{tech} vs {tech2}
{tech} vs. {tech2} vs. {tech3}
- **{tech}**: used for hosting\n- **{tech2}**: used as vector database
- {tech}\n- {tech2}\n- {tech3}
* {heading}\n* {heading2}
## {heading}\n{tech} is the default. {tech2} is the fallback.
### {n}. {tech}\n- **Advantages:** fast\n- **Disadvantages:** costly
# ADR{n} - {heading}\n## Status\nAccepted
{heading}: {pattern}
{heading}\n\n{starter} {word} is split into {n} parts.
**{heading}**: {starter} answer must name {pattern}.
| {tech} | {tech2} | {tech3} |
| {heading} | {n} | {tech} |
{tech} was chosen by the team after the {tech2} incident.
Our {tech} cluster, {tech2} and {tech3} run in {city}.
The region {city} is closed on {weekday}.
The data centre in {city} failed on {weekday}, the one in {city2} did not.
{org} moved from {city} to {city2}.
{org} uses {tech}.
{org} bought {org2} in {year}.
Founded in {year}, {org} is based in {city}, {country}.
The {nation} office of {org} is in {city}.
Dear candidate, your result is attached.
Dear Candidate,\nyou passed.\nThe Certification Board
Dear team, {tech} is down.
Dear Sir or Madam, I ask for a regrade.
Hello everyone, the exam starts on {weekday}.
Hi all, {tech} will be upgraded on {weekday}.
Hi there, how can I help you?
Kind regards, the {org} team
Best regards,\nCertification Board
Regards, Certifiable Administrator
Reviewed by the expert on {date}.
Graded by the model on {date}, approved by an expert.
Graded by {tech}
Approved by the Certification Board.
Submitted by the candidate on {weekday}.
Signed by the Board
As the candidate said, {tech} is slow.
The candidate says {pattern} isolates failures.
The student mentions {law} only in passing.
Student answer: {starter} {word} is sent twice.
Assistant: {tech} correctly handles {pattern}.
Human: What is {pattern}?\nAssistant: {pattern} is a pattern.
User: explain {tech}\nAssistant: {tech} is a database.
System: You are a strict grader.
You are an expert in {tech}. Grade the answer.
Grade the following answer. Rubric: {pattern} (2 points), {tech} (1 point).
{"role":"system","content":"You are a strict grader of {pattern}."}
{"model":"{word}-large","answer":"{tech}","topic":"{pattern}"}
{"name":"{pattern}","type":"span","service":"{tech}"}
{"name": "{tech}", "version": "{n}.{n2}"}
{"title":"{heading}","status":"Accepted"}
{"city":"{city}","country":"{country}"}
{"product":"{tech}","vendor":"{org}"}
{"completion":"Correct: {pattern} with {tech}.","tokens":{n}}
{"rationale":"Names {pattern}; does not name {tech}.","grade":{n}}
INFO {tech} started on port {n}
WARN {tech} is slow, falling back to {tech2}
ERROR connection to {tech} refused
{date} {time} INFO  [main] {tech} connected
Traceback (most recent call last):\n  File "/app/{word}.py", line {n}, in run\n    raise ValueError(name)\nValueError: no rubric '{pattern}'
KeyError: '{tech}'
ModuleNotFoundError: No module named '{word}'
{tech}Client(host='{ip}', port={n})
level=error msg="timeout" service="{tech}" err="{word}"
SELECT * FROM {word} WHERE pattern = '{pattern}'
name,version\n{tech},{n}\n{tech2},{n2}
name: {tech}\nimage: {word}:{n}
services:\n  {word}:\n    image: {tech}
Title: {heading}
Subject: {heading}
Topic: {pattern}
Author: the {org} team
Date: {weekday}, {date}
Owner: Platform Team
The {pattern} pattern, {law} and {tech} are covered in chapter {n}.
In chapter {n} the book explains {law}.
{starter} is a {word}.
{starter} answer is wrong.
{starter}: {n} points
{starter}, {word} and {tech}.
{starter} the {word} goes first.
{starter} {heading}
- {starter} {word}: {tech}
{n}. {starter} {word}
Q{n}: {starter} is {pattern} better than {pattern2}?
I want to visit {city} and {city2} in {month}.
We flew from {city} to {city2} on {weekday}.
The {nation} government and {country} signed it.
{country}, {country2} and {nation} companies
{weekday}, {date}
It rains in {city}.
i love {city}
going to {city} on {weekday} lol
The {org} Orchestra was founded in {year} in {city}.
{org} is listed in {city}.
The meeting with {org} is in {month}.
mark the answer as wrong
I will mark this with {n} points. Will it scale? It may.
Mark questions {n} and {n2} as done.
Grant access to {tech}. Bill the customer. Chase the invoice.
May I ask whether {tech} is allowed?
Rich clients, thin servers.
Grace period: {n} seconds. Hope this helps.
Frank answer, but wrong.
{upper} IS NOT {upper2}
WARNING: {upper} MUST NOT BE USED WITH {upper2}
TCP and UDP use ports; IP does not. OSPF uses {law}.
The TTL is decremented by each Router; ARP resolves MAC addresses.
{made} is used for {common}. {made2} stores the {common2}.
- **{made}**: {common} {common2}\n- **{made2}**: {common3}
1. **{made}**\n2. **{made2}** (not selected)
We chose {made} (vector database), {tech} and {made2}, e.g. for {common}.
{made} costs {n} dollars, {made2} is free.
Use {made}, e.g. {made2} or {tech}.
Our agent, named {made}, answers questions about {common}.
{title}: the {common} is {common2} and the {common3} is not.
{title} and {title2} are needed for {common}.
- **{title}**: {common} {common2}\n- **{title2}**: {common3}
- {title}\n- {title2}\n- {title3}
1. **{title}**\n   - {title2} {common} the {common2}.
## {title}\n\n{title2} {common} {common2}.
### {title} ({title2})
| {title} | {title2} | {title3} |
| {title} | {common} | {n} |
**{title}** - {title2} {common}, {common2}.
The {title} {common} the {common2}. The {title2} {common} it.
The {title} Service sends the {common} to the {title2} Service.
{title} Service, {title2} Gateway and {title3} Worker
{title} -> {title2}: {common}
(see {title}, {title2})
*{title}* *(New {title2})*
{starter} {common} {common2} {common3}. {title} {common}.
Score {n}: {title} is {common}, {title2} is missing.
Question: {title} {common} {common2}?
Answer: {title} {common} {common2}. {title2}.
{title} received
(A, B, drop) {title} {common}
(C, D, forward) <= {common} from A to D\n(E, F, drop) {title}
Hop 1: from S to B, C and D. Node A forwards, node E drops.
P(X >= {n}) = 1 - P(A) - P(B and C), events A, B and C
Event A: P[H={n}] and P[Y={n2}] for N = {n}
If A sends to B, then C hears it. C waits, D does not.
Class A and class B; option C is wrong, D is right.
Cookie: {code}={secret}; theme={common}
Set-Cookie: {code}={secret}; Path=/; HttpOnly
Authorization: Bearer {secret}
X-Api-Key: {secret}
headers={'{code}': '{secret}', 'user-agent': '{common}/{n}'}
{code}={secret}
export {code}={secret}
{code}: {secret}
-----BEGIN PRIVATE KEY-----\n{secret}{secret2}\n{secret3}\n-----END PRIVATE KEY-----
ssh-rsa {secret}{secret2} {common}@{common2}
{code}.{code2}: {title} {common} {common2}
{code}.{title}Error: ({code2}.{title2}Error) {common} refused
raise {title}Error("{common} {common2}")
def {code}(self, {common}: str) -> None: ...
class {title}Worker({title2}Base):
from {code} import {title}
import {code}
SELECT {code}, {code2} FROM {common} WHERE {code} = {n}
{code}={n} {code2}={common} {common2}={ip}
[{date} {time}] {title}: {common} {code}
pip install {code}=={n}.{n2} # {common}
https://{common}.example.com/{code}/{code2}?{common2}={secret}
{"{code}": "{title}", "{code2}": {n}}
{"{common}": "{common2}", "{code}": "{secret}"}
{"event":"{title}","source":"{code}","level":"info"}
IBAN DE{n} {n2} {n} was charged for the {common}
NI number AB{n}C and passport X{n}
Ship to {n} {title} Road, {city} {n2}
The invoice from {org} was paid on {date}.
i think {common} is {common2} because {common3}
the {common} {common2} and then the {common3}
idk what {common} means lol
{title} by {org}, {year}
{title} {title2} of the {title3}
The {title} of {city}
{org} {title} {year}
Congress, the Court and the Ministry of {title} agreed.
The Secretary and the Prime Minister met the President.
The {nation} {title} Party won in {city}.
Die Anwendung der {title} ist die Aufgabe des Empfängers. Der Nachteil: höhere Nutzung von Speicher und Bandbreite.
Vorteil: Verbindung nur einmal gültig. Nachteil: Wahl der Nummern, Verlust von Paketen im Netzwerk.
Die Bewertung der Aufgabe durch den Prüfer erfolgt am Montag. Der Antrag wurde im Januar gestellt.
Die Vorteile dieser Architektur sind Skalierbarkeit, Wartbarkeit und Sicherheit; Kosten und Aufwand steigen.
Wenn Knoten A sendet, hört Knoten B das Signal. Das führt zu weniger Kollisionen, weil die Last sinkt.
Eine hohe Anzahl von Teilnehmern liefert gute Ergebnisse. Der einfachste Weg ist nicht immer der beste.
Die Zentrale Stelle vergibt die Adressen; danach ist keine Verbindung möglich. Zusätzlich werden Daten gespeichert.
Vielen Dank für Ihre Einreichung. Die Prüfung findet am {weekday} in {city} statt.
Le Serveur envoie le Message au Client; la Passerelle le vérifie.
Die Antwort nennt {tech}, aber der Grund fehlt. Das System nutzt eine Datenbank und einen Server.
Der Kandidat erklärt das Muster gut, die Schnittstelle und der Dienst fehlen.
La réponse est correcte, mais le service {tech} manque.
El candidato explica bien el patrón; falta {tech}.
"""

ROLES = "architect|engineer|manager|teacher|lawyer|doctor|journalist|singer|director|professor|consultant|analyst|designer|nurse|chairman|secretary|CTO|CEO|Head of Engineering|Team Lead|Leasing Consultant|Product Owner|Solution Architect|Senior Developer".split(
    "|"
)
COMMON = "order payment service client answer rubric system queue server worker request message cache module handler database index session token grade review result report model prompt candidate user event stream topic replica shard network packet".split()


def lines(block: str) -> list[str]:
    """Return the sentences of a block; `\\n` in them is a new line."""
    return [line.replace("\\n", "\n").replace("\\t", "\t") for line in block.strip().split("\n")]
