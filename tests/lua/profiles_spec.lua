-- How each known kind of endpoint is asked: which profile an address has, and runs of the real program
-- against the stand-in that refuses what that server refuses, in its words (tests/fake/servers.h).
local json = require "nlsql.json"
local profiles = require "nlsql.profiles"
local refusals = require "nlsql.refusals"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

describe("the profile of", function()
  local cases = {
    { "https://api.openai.com/v1", "openai" },
    { "https://eu.api.openai.com/v1", "openai" },
    { "https://API.OpenAI.com:443/v1", "openai" },
    { "https://api.openai.com.evil.example/v1", "other" },
    { "https://mine.openai.azure.com", "azure" },
    { "https://mine.cognitiveservices.azure.com/openai/v1", "azure" },
    { "https://gateway.example/openai/deployments/gpt4?api-version=2024-10-21", "azure" },
    { "https://openrouter.ai/api/v1", "openrouter" },
    { "https://api.anthropic.com/v1/", "anthropic" },
    { "http://127.0.0.1:11434/v1", "ollama" },
    { "http://gpu.example:11434/v1", "ollama" },
    { "http://localhost:1234/v1", "lmstudio" },
    { "http://[::1]:8080/v1", "llama-server" },
    { "http://localhost:8000/v1", "vllm" },
    { "http://localhost:9000/v1", "other" },
    { "https://llm.example/v1", "other" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function() assert.equal(case[2], profiles.of_url(case[1]).name) end)
  end

  it("an address is the one that profile: names", function()
    assert.equal("vllm", profiles.of({ base_url = "https://api.openai.com/v1", profile = "vllm" }).name)
  end)
end)

describe("the address of chat completions", function()
  local AZURE = "https://r.openai.azure.com"
  local cases = {
    { { base_url = "https://api.openai.com/v1/" }, "https://api.openai.com/v1/chat/completions" },
    { { base_url = "http://127.0.0.1:8080" }, "http://127.0.0.1:8080/chat/completions" },
    { { base_url = "https://a.example/v1/chat/completions" }, "https://a.example/v1/chat/completions" },
    { { base_url = "https://a.example/v1?tenant=3" }, "https://a.example/v1/chat/completions?tenant=3" },
    { { base_url = AZURE }, AZURE .. "/openai/deployments/m/chat/completions?api-version=2024-10-21" },
    { { base_url = AZURE .. "/", api_version = "2025-01-01-preview" },
      AZURE .. "/openai/deployments/m/chat/completions?api-version=2025-01-01-preview" },
    { { base_url = AZURE .. "/openai/deployments/dep?api-version=2024-06-01" },
      AZURE .. "/openai/deployments/dep/chat/completions?api-version=2024-06-01" },
    { { base_url = AZURE .. "/openai/deployments/dep/chat/completions?api-version=2024-06-01" },
      AZURE .. "/openai/deployments/dep/chat/completions?api-version=2024-06-01" },
    { { base_url = AZURE .. "/openai/deployments/dep?x=1" },
      AZURE .. "/openai/deployments/dep/chat/completions?x=1&api-version=2024-10-21" },
    { { base_url = AZURE .. "/openai/v1" }, AZURE .. "/openai/v1/chat/completions" },
  }
  for _, case in ipairs(cases) do
    it("below " .. case[1].base_url, function() assert.equal(case[2], profiles.chat_url(case[1], "m")) end)
  end

  it("names a deployment as a URL can", function()
    assert.equal(AZURE .. "/openai/deployments/a%2Fb%3F/chat/completions?api-version=2024-10-21",
      profiles.chat_url({ base_url = AZURE }, "a/b?"))
  end)
end)

describe("the temperature that is sent", function()
  local cases = {
    { "openai", "gpt-4.1", 0.5, 0.5 }, { "openai", "o3", 0.5, nil }, { "openai", "o4-mini", 0, nil },
    { "openai", "gpt-5", 1, nil }, { "openai", "gpt-5-mini-2025-08-07", 1, nil }, { "openai", "gpt-5-chat-latest", 0.5, 0.5 },
    { "openai", "gpt-4o", 2, 2 }, { "anthropic", "claude-sonnet-4-5", 1.5, 1 }, { "anthropic", "claude-sonnet-4-5", 0.3, 0.3 },
    { "ollama", "o3", 0.5, 0.5 }, { "openai", "gpt-4.1", nil, nil },
  }
  for _, case in ipairs(cases) do
    it(("to %s's %s is %s"):format(case[1], case[2], case[4]), function()
      assert.equal(case[4], profiles.temperature(profiles.of { profile = case[1] }, case[2], case[3]))
    end)
  end
end)

describe("a refusal", function()
  local TEXTS = {
    { '{"error":{"message":"m","type":"t","code":"c"}}', "m", "c" },
    { '{"error":{"message":"m","type":"t","code":null}}', "m", "t" },
    { '{"object":"error","message":"m","type":"BadRequestError","code":400}', "m", "BadRequestError" },
    { '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', "Overloaded", "overloaded_error" },
    { '{"error":"words"}', "words", "" }, { '{"detail":"Not Found"}', "Not Found", "" },
    { "<html><body>502</body>", "502", "" }, { "", "(no text)", "" }, { "null", "null", "" }, { "[1]", "[1]", "" },
    { '{"error":null}', '{"error":null}', "" }, { '{"error":{"message":7}}', '{"error":{"message":7}}', "" },
  }
  for _, case in ipairs(TEXTS) do
    it("is read from " .. case[1], function() assert.same({ case[2], case[3] }, { refusals.text(case[1]) }) end)
  end

  --- What is learnt of a request of 1,000 bytes with a limit of 16,384: the limit that fits then, or false.
  local LIMITS = {
    { "This model's maximum context length is 4096 tokens. However, you requested 16500 tokens (116 in the messages, 16384 in "
      .. "the completion). Please reduce the length of the messages or completion.", 4096 - 116 - 16 },
    { "This model's maximum context length is 4,096 tokens. However, you requested 16384 output tokens and your prompt contains "
      .. "at least 200 input tokens, for a total of at least 4097 tokens.", 4096 - 200 - 16 },
    { "'max_tokens' or 'max_completion_tokens' is too large: 16384. This model's maximum context length is 8192 tokens and your "
      .. "request has 300 input tokens (16384 > 8192 - 300).", 8192 - 300 - 16 },
    { "max_tokens is too large: 16384. This model supports at most 4096 completion tokens, whereas you provided 16384.", 4096 },
    { "max_tokens: 16384 > 8192, which is the maximum allowed number of output tokens for claude", 8192 },
    { "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.", false },
    { "This model's maximum context length is 4096 tokens. However, you requested 20480 tokens (4090 in the messages, 16384 in "
      .. "the completion).", false },
  }
  for _, case in ipairs(LIMITS) do
    it("tells the limit: " .. case[1], function()
      local manner = { formats = { "json_schema" }, limit_name = "max_tokens", dropped = {} }
      local again = refusals.learn(manner, case[1], { max_tokens = 16384, response_format = { type = "json_schema" } }, 1000)
      assert.equal(case[2] ~= false, again)
      if case[2] then assert.equal(case[2], refusals.fitting(manner, 16384, 1000)) end
      assert.same({ "json_schema" }, manner.formats)
      assert.equal(case[2] == false or case[1]:find("context") ~= nil, refusals.too_long(case[1], ""))
    end)
  end

  it("leaves no room where the request has grown too long", function()
    local manner = { window = 4000, density = 0.5, formats = {}, dropped = {} }
    assert.equal(4000 - 3000 - 16, refusals.fitting(manner, 16384, 6000))
    assert.equal(100, refusals.fitting(manner, 100, 6000))
    assert.is_nil(refusals.fitting(manner, 16384, 7900))
    assert.is_nil(refusals.fitting(manner, 100, 9000))
  end)
end)

describe("a run with", function()
  local dir, endpoint
  local QUESTION = "How many customers are there?"
  local PAIR = json.encode { question = QUESTION, sql = "SELECT count(*) AS customers FROM customer" }
  local KEY = "sk-profile-0123456789"

  before_each(function() dir = support.temp_dir() end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  --- `o`: as (the server), args, root (the address is the endpoint's root), config (more lines), rules,
  --- builtins (a phase that offers tools).
  local function run(o)
    local arguments = { "--as", o.as, "--log", dir .. "/requests", "--script",
      support.write_json_lines(dir .. "/rules.jsonl", o.rules or { { content = PAIR } }) }
    for _, word in ipairs(o.args or {}) do arguments[#arguments + 1] = word end
    endpoint = support.endpoint(arguments)
    local phase = o.builtins and "{name: ours, builtins: {COUNT: 1}, max_attempts: 2}"
      or ("{name: ours, questions: [%q], max_attempts: 1}"):format(QUESTION)
    support.write(dir .. "/config.yaml", ("profile: %s\nparallelism: 1\ntemperature: 0.2\n%s\nphases:\n- %s\n"):format(o.as,
      o.config or "", phase))
    local url = o.root and endpoint.url:gsub("/v1$", "") or endpoint.url
    local code, out, err = support.nlsql(dir, { "run" },
      { DATABASE_URL = shop.url(), OPENAI_BASE_URL = url, OPENAI_API_KEY = KEY })
    local asked = {}
    for i, line in ipairs(support.lines(dir .. "/requests")) do
      asked[i] = json.decode(line)
      asked[i].body = json.decode(asked[i].body)
    end
    return code, out, asked, err
  end

  local function formats(asked)
    local list = {}
    for i, one in ipairs(asked) do list[i] = one.body.response_format and one.body.response_format.type or "none" end
    return table.concat(list, " ")
  end

  it("an OpenAI reasoning model is never asked what it refuses", function()
    local code, _, asked, err = run { as = "openai", args = { "--require-key", KEY }, config = "openai_model: o3-mini" }
    assert.equal(0, code, err)
    assert.equal(1, #asked)
    assert.equal(16384, asked[1].body.max_completion_tokens)
    assert.is_nil(asked[1].body.max_tokens)
    assert.is_nil(asked[1].body.temperature)
  end)

  it("one whose name the profile does not know, this is learnt", function()
    local code, _, asked, err = run { as = "openai", config = "openai_model: gpt-5.9" }
    assert.equal(0, code, err)
    assert.equal(2, #asked)
    assert.equal(0.2, asked[1].body.temperature)
    assert.is_nil(asked[2].body.temperature)
  end)

  it("Azure, the key goes in its own header, and the URL names deployment and version", function()
    local code, _, asked, err = run { as = "azure", root = true, args = { "--require-key", KEY }, config = "openai_model: gpt4" }
    assert.equal(0, code, err)
    assert.equal("/openai/deployments/gpt4/chat/completions", asked[1].path)
    assert.equal("2024-10-21", asked[1].api_version)
    assert.is_nil(asked[1].headers.authorization)
    assert.equal(("(%d bytes)"):format(#KEY), asked[1].headers["api-key"])
  end)

  it("an old version of Azure's, what it does not know is left out", function()
    local code, _, asked, err = run { as = "azure", root = true, config = "openai_model: gpt4\napi_version: 2024-06-01" }
    assert.equal(0, code, err)
    assert.equal("json_schema json_object none", formats(asked))
  end)

  it("an Azure deployment that is not there, ends with Azure's words", function()
    local code, _, asked, err = run { as = "azure", root = true, config = "openai_model: absent" }
    assert.equal(5, code, err)
    assert.equal(1, #asked)
    assert.truthy(err:find("The API deployment for this resource does not exist", 1, true), err)
  end)

  it("Azure's content filter, the item has spent its turn and the run goes on", function()
    local code, out, asked = run { as = "azure", root = true, rules = { { status = 400, body = json.encode { error = {
      message = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
        .. "your prompt and retry.", type = json.null, param = "prompt", code = "content_filter", status = 400,
      innererror = { code = "ResponsibleAIPolicyViolation" } } } } } }
    assert.equal(7, code)
    assert.equal(1, #asked)
    assert.truthy(out:find("content_filter 1", 1, true), out)
    assert.truthy(out:find("the endpoint's content filter held the reply back", 1, true), out)
  end)

  it("OpenRouter, the cost is what its usage says", function()
    local code, out, asked, err = run { as = "openrouter",
      config = "openai_model: m\nloopback_is_free: false\nbudget_usd: 1\nprices: {m: {input: 1, output: 2}}" }
    assert.equal(0, code, err)
    assert.is_nil(asked[1].body.stream_options)
    local tokens_in, tokens_out = out:match("(%d+) tokens in, (%d+) out")
    assert.truthy(out:find(("Cost:     $%.4f in this run"):format((tokens_in + tokens_out) * 1e-6), 1, true), out)
  end)

  it("OpenRouter, credits that ran out end the run at once", function()
    local code, _, asked, err = run { as = "openrouter", rules = { { status = 402,
      body = '{"error":{"code":402,"message":"Insufficient credits. Add more using https://openrouter.ai/credits"}}' } } }
    assert.equal(5, code)
    assert.equal(1, #asked)
    assert.truthy(err:find("Insufficient credits", 1, true), err)
  end)

  it("OpenAI, a quota that is used up ends the run at once, though it comes as 429", function()
    local code, out, asked, err = run { as = "openai", rules = { { status = 429, body = json.encode { error = {
      message = "You exceeded your current quota, please check your plan and billing details.", type = "insufficient_quota",
      param = json.null, code = "insufficient_quota" } } } } }
    assert.equal(5, code)
    assert.equal(1, #asked)
    assert.truthy(err:find("You exceeded your current quota", 1, true), err)
    assert.truthy(out:find("no_credit 1", 1, true), out)
  end)

  it("Ollama, the output limit has the only name that it knows", function()
    local code, _, asked, err = run { as = "ollama" }
    assert.equal(0, code, err)
    assert.equal(16384, asked[1].body.max_tokens)
    assert.is_nil(asked[1].body.max_completion_tokens)
  end)

  it("Ollama and a model without tools, they are offered once", function()
    local code, _, asked, err = run { as = "ollama", args = { "--no-tools" }, builtins = true }
    assert.equal(0, code, err)
    assert.equal(2, #asked)
    assert.truthy(asked[1].body.tools)
    assert.is_nil(asked[2].body.tools)
  end)

  it("LM Studio, json_object is not tried", function()
    local code, _, asked, err = run { as = "lmstudio", args = { "--no-json-schema" } }
    assert.equal(0, code, err)
    assert.equal("json_schema none", formats(asked))
  end)

  it("LM Studio under another profile, its refusal of json_object is understood", function()
    local code, _, asked, err = run { as = "lmstudio", args = { "--no-json-schema" }, config = "" }
    assert.equal(0, code, err)
    assert.equal(2, #asked)
  end)

  it("llama-server without --jinja, tools are left out", function()
    local code, _, asked, err = run { as = "llama-server", builtins = true }
    assert.equal(0, code, err)
    assert.equal(2, #asked)
  end)

  it("llama-server, an answer in reasoning_content is read", function()
    local code, out, asked, err = run { as = "llama-server", rules = { { body = json.encode { choices = json.array { {
      index = 0, finish_reason = "stop", message = { role = "assistant", content = "", reasoning_content = PAIR } } } } } } }
    assert.equal(0, code, err .. out)
    assert.equal(1, #asked)
  end)

  it("vLLM, the reply's limit is made to fit the window", function()
    local code, _, asked, err = run { as = "vllm" }
    assert.equal(0, code, err)
    assert.equal(2, #asked)
    assert.equal(16384, asked[1].body.max_tokens)
    assert.is_true(asked[2].body.max_tokens < 6000 and asked[2].body.max_tokens > 3000)
  end)

  it("vLLM without a parser of tools, they are left out, and its words on top are read", function()
    local code, _, asked, err = run { as = "vllm", builtins = true, config = "max_tokens: 1000" }
    assert.equal(0, code, err)
    assert.equal(2, #asked)
  end)

  it("Anthropic, no form is asked for, the temperature stays within 1, and prose is read", function()
    local code, _, asked, err = run { as = "anthropic", rules = { { content = "Here you are:\n```json\n" .. PAIR .. "\n```" } } }
    assert.equal(0, code, err)
    assert.equal("none", formats(asked))
    assert.equal("(28 bytes)", asked[1].headers.authorization)
  end)

  it("Anthropic, 529 is waited out", function()
    local code, out, asked, err = run { as = "anthropic", config = "retry_base: 0.01", rules = {
      { times = 2, status = 529, body = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}' },
      { content = PAIR } } }
    assert.equal(0, code, err)
    assert.equal(3, #asked)
    assert.truthy(out:find("http_529 2", 1, true), out)
    assert.truthy(out:find("slowed down", 1, true), out)
  end)

  it("a prompt that is too long for the model, that item fails and the others do not", function()
    support.write(dir .. "/config.yaml", "")
    local code, out, asked, err = run { as = "llama-server", config = "", rules = { { times = 1, status = 400, body =
      '{"error":{"code":400,"message":"the request exceeds the available context size. try increasing the context size or '
      .. 'enable context shift","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}' } } }
    assert.equal(5, code, err)
    assert.equal(1, #asked)
    assert.truthy(out:find("too_long 1", 1, true), out)
    assert.truthy(err:find("exceeds the available context size", 1, true), err)
  end)

  it("two phases, the second knows what the first has learnt", function()
    endpoint = support.endpoint { "--no-json-schema", "--log", dir .. "/requests", "--script",
      support.write_json_lines(dir .. "/rules.jsonl", { { content = PAIR } }) }
    support.write(dir .. "/config.yaml", ("phases:\n- {name: a, questions: [%q]}\n- {name: b, questions: [%q]}\n"):format(QUESTION,
      QUESTION))
    local code, _, err = support.nlsql(dir, { "run" }, { DATABASE_URL = shop.url(), OPENAI_BASE_URL = endpoint.url })
    assert.equal(0, code, err)
    local asked = {}
    for i, line in ipairs(support.lines(dir .. "/requests")) do asked[i] = { body = json.decode(json.decode(line).body) } end
    assert.equal("json_schema json_object json_object", formats(asked))
  end)
end)
