"""Names of OpenTelemetry's semantic conventions, those of generative AI among them.

Written here, since the package that holds them is not released yet; they are those of
`open-telemetry/semantic-conventions-genai` in November 2026.
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"
CHAT = "chat"
EMBEDDINGS = "embeddings"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_STREAM = "gen_ai.request.stream"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105  a name
INPUT, OUTPUT = "input", "output"

ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
HTTP_METHOD = "http.request.method"
HTTP_STATUS = "http.response.status_code"
SERVICE_NAME = "service.name"
SERVICE_VERSION = "service.version"

REQUEST_ID = "antiphon.request.id"
ROUTE = "antiphon.route"
TEAM = "antiphon.team"
KEY_ID = "antiphon.key_id"
COST = "antiphon.cost_usd"
CHARGE = "antiphon.charge"
ATTEMPTS = "antiphon.attempts"
CACHE = "antiphon.cache"
DEGRADED = "antiphon.degraded"

TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105  a name
OPERATION_DURATION = "gen_ai.client.operation.duration"
TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
TOKEN_BUCKETS = tuple(float(4**power) for power in range(14))
"""1 to 67,108,864."""
SECOND_BUCKETS = tuple(0.01 * 2**power for power in range(14))
"""0.01 to 81.92."""
