"""Words that look like names of accounts and are none."""

from typing import Final

_DIRECTIVES: Final = """
    media import charset keyframes supports page namespace layer container property include mixin extend use
    forward apply tailwind each else elseif endif foreach endforeach function return screen starting-style counter-style
    param params returns throws throw exception deprecated since version see link author type typedef example todo
    override overload staticmethod classmethod dataclass dataclasses cached_property contextmanager abstractmethod
    wraps property setter getter deleter fixture pytest route app router get post put patch delete mock pytest.fixture
    functools functools.wraps functools.cache functools.lru_cache lru_cache cache cached retry task celery click command
    option argument traced trace observe observer traceable tool agent final runtime_checkable unittest atexit numba jit
    njit torch tf tf.function property.setter pytest.mark asyncio hookimpl validator field_validator model_validator
    interface implementation end selector protocol synthesize dynamic encode autoreleasepool try catch finally optional
    required objc objcmembers main available escaping discardableresult autoclosure published state binding
    context id graph value language vocab base container list set index reverse nest none json jsonld
    here everyone channel all team anyone someone home work school office night noon midnight least once the this that
    any scale runtime rest peak max min time day end start first last least most about
    latest next beta alpha canary stable dev master head rc lts
    model section html url inject using inherits code functions await page attribute layout rendermode bind onclick
    test before after beforeeach aftereach parameterized suite given when then and but
    component service repository controller entity table column transactional autowired bean configuration
    echo file at sign symbol mention mentions handle username user name email mail host domain example
    var vars variable variables rowcount identity error internal access public private protected readonly suppress
    api data input output outputs step args kwargs self cls
"""
DIRECTIVES: Final = frozenset(_DIRECTIVES.split())
"""What stands behind an `@` in style sheets, annotations, decorators, comments, JSON-LD, and in speech."""

_NOBODY: Final = """
    admin administrator root user users username guest anonymous anon test tester testuser demo default public shared
    none null nil undefined true false unknown empty string str int name login system service daemon nobody www www-data
    app application api server client host localhost node ubuntu debian centos fedora ec2-user azureuser vscode runner
    runneradmin jenkins ci build builder docker git github gitlab svc sa postgres mysql mongo redis oracle sysadmin
    operator support info me you your yourname your-name your_name myuser my-user my_user someuser some_user
    example sample dummy placeholder xxx xxxx foo bar baz value required optional required-field id email mail password
    token secret session request response current_user currentuser self this object model type field candidate student
    grader examiner expert reviewer person people customer owner group wheel staff superuser dev devel developer work
    workspace project projects src code coder jovyan airflow spark hadoop vagrant pi linuxbrew all appdata contoso
"""
NOBODY: Final = frozenset(_NOBODY.split())
"""Accounts and placeholders that belong to no person."""

_PATHS: Final = """
    about account accounts actions api apps blog business careers channel collections company compare contact contests
    contribute courses customer-stories dashboard datasets docs download enterprise events explore features feed
    followers following groups hashtag help home i intent issues jobs join learn legal library login logout marketplace
    messages new news notifications organizations orgs p pages playlist policies popular posts premium press pricing
    privacy problems pulls questions readme reel reels resources results search security settings share shorts signup
    site sponsors stars status store stories tag tagged tags team teams terms topics tos trending tv watch wiki
"""
PATHS_OF_SITES: Final = frozenset(_PATHS.split())
"""First parts of paths on the sites of profiles that are no account."""
