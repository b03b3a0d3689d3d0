-- Who may be shown rows as they are: this machine by one word, any other host by two.
local rawrows = require "nlsql.rawrows"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

describe("rawrows", function()
  local REMOTE, LOCAL = "https://api.openai.com/v1", "http://127.0.0.1:8080/v1"
  local cases = {
    { "anonymised", { anonymise = true, base_url = REMOTE } },
    { "this machine", { anonymise = false, base_url = LOCAL } },
    { "this machine, by name", { anonymise = "off", base_url = "http://localhost:1/v1" } },
    { "the grammar", { anonymise = false, base_url = REMOTE, provider = "offline" } },
    { "the demo database", { anonymise = false, base_url = REMOTE, demo = true } },
    { "a host that is named", { anonymise = false, base_url = REMOTE, raw_rows_to = "api.openai.com" } },
    { "… in another case, with its port", { anonymise = false, base_url = "https://API.OpenAI.com:443/v1",
      raw_rows_to = "api.openai.com:443" } },
    { "… by its number", { anonymise = false, base_url = "https://[2001:db8::1]:443/v1", raw_rows_to = "[2001:db8::1]" } },
    { "a host that is not named", { anonymise = false, base_url = REMOTE }, "api.openai.com" },
    { "another host than that named", { anonymise = false, base_url = REMOTE, raw_rows_to = "api.example.com" },
      "api.openai.com" },
    { "a part of its name", { anonymise = false, base_url = REMOTE, raw_rows_to = "openai.com" }, "api.openai.com" },
    { "a host with the named one before the @", { anonymise = false, base_url = "https://api.openai.com@evil.example/v1",
      raw_rows_to = "api.openai.com" }, "evil.example" },
    { "a host that only looks like this machine", { anonymise = false, base_url = "https://127.0.0.1.evil.example/v1" },
      "127.0.0.1.evil.example" },
    { "loopback before the @", { anonymise = false, base_url = "https://127.0.0.1@evil.example/v1" }, "evil.example" },
  }
  for _, case in ipairs(cases) do
    it((case[3] and "refuses " or "lets pass ") .. case[1], function()
      local why = rawrows.refusal(case[2])
      if not case[3] then return assert.is_nil(why) end
      assert.truthy(why and why:find("to " .. case[3] .. ", which is not this machine", 1, true), why)
      assert.truthy(why:find(('"raw_rows_to: %s"'):format(case[3]), 1, true), why)
      assert.truthy(why:find('leave out "anonymise: off"', 1, true), why)
    end)
  end

  it("ends a run with 3 before anything is asked, and is said by config --check", function()
    local dir = support.temp_dir()
    support.write(dir .. "/config.yaml", "anonymise: off\nbase_url: https://api.nobody.example/v1\n")
    local variables = { DATABASE_URL = shop.url(), OPENAI_API_KEY = "sk-x" }
    for _, command in ipairs { { "run", "joins", "--count", "1" }, { "ask", "How many?" }, { "try", "joins" },
      { "config", "--check", "--phase", "joins" } } do
      local code, out, err = support.nlsql(dir, command, variables)
      assert.equal(3, code, command[1] .. ": " .. out .. err)
      assert.truthy((out .. err):find('"raw_rows_to: api.nobody.example"', 1, true), command[1] .. ": " .. out .. err)
    end
    os.execute("rm -rf " .. dir)
  end)
end)
