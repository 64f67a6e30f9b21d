"""Every kind of mistake, in the words and at the line that a person is shown."""

import pytest

from antiphon.config.settings import Settings

LAB = "providers: {lab: {base_url: 'http://127.0.0.1:1/v1'}}\n"

CASES = {
    "not a mapping": ("[]", ["antiphon.yaml:1:1: must hold a mapping, such as `providers: {...}`"]),
    "not YAML": (
        "a: b: c",
        ["antiphon.yaml:1:5: is not YAML: mapping values are not allowed here"],
    ),
    "unknown section": (
        "sever: {port: 1}",
        ["antiphon.yaml:1:1: sever: is not a setting; did you mean 'server'?"],
    ),
    "unknown section without a neighbour": (
        "zzz: 1",
        [f"antiphon.yaml:1:1: zzz: is not a setting; there is {', '.join(Settings.model_fields)}"],
    ),
    "unknown setting": (
        "server:\n  prot: 1\n  Host: '::1'\n  max-body-bytes: 5000",
        [
            "antiphon.yaml:2:3: server.prot: is not a setting; did you mean 'port'?",
            "antiphon.yaml:3:3: server.Host: is not a setting; did you mean 'host'?",
            "antiphon.yaml:4:3: server.max-body-bytes: is not a setting; did you mean 'max_body_bytes'?",
        ],
    ),
    "unknown setting in a list": (
        "auth:\n  keys:\n    - {key: 0123456789abcdef, tema: x}",
        ["antiphon.yaml:3:31: auth.keys.0.tema: is not a setting; did you mean 'team'?"],
    ),
    "a database that is no file": (
        "storage: {database: 'sqlite:///:memory:'}",
        [
            "antiphon.yaml:1:11: storage.database: must be sqlite:///PATH, of a file, without options"
        ],
    ),
    "wrong types": (
        "server: {port: many, drain_seconds: [], cors: 5, trusted_proxies: [here], deadlines: []}\nauth: {required: maybe, keys: {}}\nlimits: 5\nstorage: {data_dir: 5}\nmodels: []\n",
        [
            "antiphon.yaml:1:10: server.port: must be a whole number",
            "antiphon.yaml:1:22: server.drain_seconds: must be a number",
            "antiphon.yaml:1:41: server.cors: must be a mapping",
            "antiphon.yaml:1:68: server.trusted_proxies.0: must be a network such as 10.0.0.0/8, or an address",
            "antiphon.yaml:1:75: server.deadlines: must be a mapping",
            "antiphon.yaml:2:8: auth.required: must be true or false",
            "antiphon.yaml:2:25: auth.keys: must be a list",
            "antiphon.yaml:3:1: limits: must be a mapping",
            "antiphon.yaml:4:11: storage.data_dir: must be a path",
            "antiphon.yaml:5:1: models: must be a mapping",
        ],
    ),
    "out of bounds": (
        "server: {port: 70000, heartbeat_seconds: 0, root_path: llm/, cors: {origins: [example.com]}}\nlimits: {concurrency: 0}",
        [
            "antiphon.yaml:1:10: server.port: must be at most 65535",
            "antiphon.yaml:1:23: server.heartbeat_seconds: must be greater than 0",
            "antiphon.yaml:1:45: server.root_path: must begin with a slash and not end with one",
            "antiphon.yaml:1:79: server.cors.origins.0: must be an origin such as https://app.example.com, or '*'",
            "antiphon.yaml:2:10: limits.concurrency: must be at least 1",
        ],
    ),
    "a number where a key belongs": (
        "auth: {keys: [{key: 123456}]}",
        ["antiphon.yaml:1:16: auth.keys.0.key: must be text: put it in quotes"],
    ),
    "a key that is missing": (
        "auth:\n  keys:\n    - team: web",
        ["antiphon.yaml:3:7: auth.keys.0.key: is required"],
    ),
    "no such scope": (
        "auth: {keys: [{key: 0123456789abcdef, scopes: [inferense]}]}",
        [
            "antiphon.yaml:1:48: auth.keys.0.scopes.0: 'inferense' is not 'inference' or 'admin'; did you mean 'inference'?"
        ],
    ),
    "the same key twice": (
        "auth:\n  admin_key: 0123456789abcdef\n  keys:\n    - {key: fedcba9876543210}\n    - {key: 0123456789abcdef}\n    - {key: fedcba9876543210}",
        [
            "antiphon.yaml:5:8: auth.keys.1.key: is the same key as auth.admin_key",
            "antiphon.yaml:6:8: auth.keys.2.key: is the same key as auth.keys.0",
        ],
    ),
    "a model of a key that is not there": (
        LAB + "models: {fast: lab/x}\nauth: {keys: [{key: 0123456789abcdef, models: [fats]}]}",
        ["antiphon.yaml:3:39: auth.keys.0.models: no model is called 'fats'; did you mean 'fast'?"],
    ),
    "open to all without a key": (
        "server:\n  host: 0.0.0.0",
        [
            "antiphon.yaml:2:3: server.host: is reachable from other machines, which needs auth.required: true"
        ],
    ),
    "no such strategy": (
        LAB + "models: {a: {deployments: [lab/x], strategy: best}}",
        [
            (
                "antiphon.yaml:2:36: models.a.strategy: 'best' is not 'priority', 'weighted', "
                "'cheapest', 'fastest', 'least_busy', 'rate_limits', 'local_first', 'nearest', "
                "'quality', 'sticky' "
                "or 'custom'"
            )
        ],
    ),
    "nearest to what": (
        LAB + "models: {a: {deployments: [lab/x], strategy: [nearest, cheapest]}}",
        [
            (
                "antiphon.yaml:2:36: models.a.strategy: nearest needs to know where this gateway runs: "
                "set server.region"
            )
        ],
    ),
    "no such provider": (
        LAB
        + "models:\n  a: lba/x\n  b:\n    - lab/x\n    - lob/y\n  c: {deployments: [openai/gpt-4o]}\n  d: zzz/x",
        [
            "antiphon.yaml:3:3: models.a: no provider is called 'lba'; did you mean 'lab'?",
            "antiphon.yaml:6:7: models.b.1: no provider is called 'lob'; did you mean 'lab'?",
            "antiphon.yaml:7:21: models.c.deployments.0: the provider 'openai' is not listed; add openai: {} to providers",
            "antiphon.yaml:8:3: models.d: no provider is called 'zzz'; there is 'lab'",
        ],
    ),
    "not a deployment": (
        LAB + "models:\n  a: tiny\n  b: [lab/x, 'lab/x y', /x, lab/]\n  c: 5",
        [
            "antiphon.yaml:3:3: models.a: must be PROVIDER/MODEL or another model's name; no model is called 'tiny'",
            "antiphon.yaml:4:14: models.b.1: must be PROVIDER/MODEL, without spaces",
            "antiphon.yaml:4:25: models.b.2: must be PROVIDER/MODEL, without spaces",
            "antiphon.yaml:4:29: models.b.3: must be PROVIDER/MODEL, without spaces",
            "antiphon.yaml:5:3: models.c: must be a mapping",
        ],
    ),
    "routes to nowhere": (
        LAB
        + "models:\n  a: {}\n  b:\n  c: {passthrough: true}\n  d: {deployments: [lab/x], passthrough: true}\n  '*': lab/x",
        [
            "antiphon.yaml:3:3: models.a: needs deployments",
            "antiphon.yaml:4:3: models.b: needs deployments",
            'antiphon.yaml:5:7: models.c.passthrough: belongs to the name "*" alone',
            'antiphon.yaml:6:29: models.d.passthrough: belongs to the name "*" alone',
            'antiphon.yaml:7:3: models.*: the name "*" takes passthrough: true',
            'antiphon.yaml:7:3: models.*: the name "*" takes no deployments or aliases',
        ],
    ),
    "names": (
        LAB
        + "models:\n  a b: lab/x\n  c: {deployments: [lab/x], aliases: [a, d, 'e f']}\n  d: {deployments: [lab/x], aliases: [a]}",
        [
            "antiphon.yaml:3:3: models.a b: a model's name must not be empty or have spaces",
            "antiphon.yaml:4:42: models.c.aliases.1: the name 'd' is taken by models.d",
            "antiphon.yaml:4:45: models.c.aliases.2: a model's name must not be empty or have spaces",
            "antiphon.yaml:5:39: models.d.aliases.0: the name 'a' is taken by models.c",
        ],
    ),
    "a provider without an address": (
        "providers:\n  lab: {}\n  opnai: {api_key: x}",
        [
            "antiphon.yaml:2:3: providers.lab.base_url: no address: give one, or set LLM_BASE_URL",
            "antiphon.yaml:3:3: providers.opnai.base_url: no address: give one, or set LLM_BASE_URL (did you mean openai?)",
        ],
    ),
    "a provider without a key": (
        "providers:\n  openai: {}",
        ["antiphon.yaml:2:3: providers.openai.api_key: no key: give one, or set OPENAI_API_KEY"],
    ),
    "a bound of a provider": (
        "providers:\n  lab: {base_url: 'http://127.0.0.1:1/v1', timeouts: {connect: -1}}",
        ["antiphon.yaml:2:55: providers.lab.timeouts.connect: must be greater than 0"],
    ),
    "what the environment lacks": (
        "auth:\n  keys:\n    - {key: '${A_KEY}'}\n    - {key: '${B_KEY:?ask the platform team}'}",
        [
            "antiphon.yaml:3:8: auth.keys.0.key: the environment variable A_KEY is not set",
            "antiphon.yaml:4:8: auth.keys.1.key: the environment variable B_KEY is not set: ask the platform team",
        ],
    ),
}


@pytest.mark.parametrize(("text", "mistakes"), CASES.values(), ids=CASES)
def test_one_kind(refusal, text: str, mistakes: list[str]):
    assert refusal(text) == mistakes


def test_all_kinds_at_once(refusal):
    text = """\
server:
  host: 0.0.0.0
  prot: 5000
  deadlines: {headers: soon, bdy: 5}
auth:
  keys:
    - {team: x}
    - {key: abcdefghijklmnop}
    - {key: abcdefghijklmnop}
    - key: ${NOPE}
limits: 5
limits: {concurrency: 6}
providers:
  lab:
    base_ulr: http://127.0.0.1:9100/v1
  openai: {timeouts: {connect: -1}}
models:
  slow: lba/tiny
  list: [lab/x, "no slash", opnai/x]
  smart:
    deploymnts: [lob/x]
    strategy: priorty
  "has space": lab/x
"""
    assert refusal(text) == [
        "antiphon.yaml:2:3: server.host: is reachable from other machines, which needs auth.required: true",
        "antiphon.yaml:3:3: server.prot: is not a setting; did you mean 'port'?",
        "antiphon.yaml:4:15: server.deadlines.headers: must be a number",
        "antiphon.yaml:4:30: server.deadlines.bdy: is not a setting; did you mean 'body'?",
        "antiphon.yaml:7:7: auth.keys.0.key: is required",
        "antiphon.yaml:9:8: auth.keys.2.key: is the same key as auth.keys.1",
        "antiphon.yaml:10:7: auth.keys.3.key: the environment variable NOPE is not set",
        "antiphon.yaml:12:1: limits: is here twice; the first one is on line 11",
        "antiphon.yaml:15:5: providers.lab.base_ulr: is not a setting; did you mean 'base_url'?",
        "antiphon.yaml:16:3: providers.openai.api_key: no key: give one, or set OPENAI_API_KEY",
        "antiphon.yaml:16:23: providers.openai.timeouts.connect: must be greater than 0",
        "antiphon.yaml:18:3: models.slow: no provider is called 'lba'; did you mean 'lab'?",
        "antiphon.yaml:19:17: models.list.1: must be PROVIDER/MODEL, or the name of another model, without spaces",
        "antiphon.yaml:19:29: models.list.2: no provider is called 'opnai'; did you mean 'openai'?",
        "antiphon.yaml:21:5: models.smart.deploymnts: is not a setting; did you mean 'deployments'?",
        "antiphon.yaml:21:18: models.smart.deploymnts.0: no provider is called 'lob'; did you mean 'lab'?",
        (
            "antiphon.yaml:22:5: models.smart.strategy: 'priorty' is not 'priority', 'weighted', "
            "'cheapest', 'fastest', 'least_busy', 'rate_limits', 'local_first', 'nearest', 'quality', 'sticky' or "
            "'custom'; did you mean 'priority'?"
        ),
        "antiphon.yaml:23:3: models.has space: a model's name must not be empty or have spaces",
    ]


def test_a_mistake_hides_no_other_and_makes_none(refusal):
    text = "providers: {lab: 5}\nmodels: {a: lab/x}\nserver: {host: 0.0.0.0}\nauth: {required: perhaps}"
    assert refusal(text) == [
        "antiphon.yaml:1:13: providers.lab: must be a mapping",
        "antiphon.yaml:4:8: auth.required: must be true or false",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "models: {a: {deployments: [lab/x], strategy: '${KEY}'}}",
        "server: {port: '${KEY}'}",
        "server: {host: '${KEY}'}",
        "server: {cors: {origins: ['${KEY}']}}",
        "auth: {keys: [{key: '${KEY}'}, {key: '${KEY}'}]}",
        "auth: {keys: [{key: '${KEY}', scopes: ['${KEY}']}]}",
        "auth: {required: '${KEY}'}",
        "providers: {lab: {base_url: '${KEY}'}}",
        "providers: {lab: {base_url: 'http://127.0.0.1:1', dialect: '${KEY}', api_key: ['${KEY}', 5]}}",
        "providers: {lab: '${KEY}'}",
        "storage: '${KEY}'",
        "models: '${KEY}'",
    ],
)
def test_no_message_shows_a_value_of_the_environment(refusal, text: str):
    assert "verysecret" not in "\n".join(refusal(text, {"KEY": "sk-verysecret"}))
