-- nlsql.yaml, as scripts see it: nodes that know their places.
local yaml = require "nlsql.yaml"

describe("yaml", function()
  it("gives nodes with their places", function()
    local root = yaml.read("count: 5\nlist:\n  - a\n  - 'b'\n", "c.yaml")
    assert.equal("map", root.type)
    assert.same({ type = "int", value = 5, text = "5", line = 1, column = 8, key = "count", key_line = 1, key_column = 1 },
      root.items[1])
    assert.equal(4, root.items[2].items[2].line)
    assert.equal("b", root.items[2].items[2].value)
  end)

  it("keeps the text of every scalar beside its value", function()
    local root = yaml.read("a: 0x10\nb: ~\nc: .inf\nd: 'a\\b'\ne: TRUE\nf: []\n", "c.yaml")
    local seen = {}
    for i, node in ipairs(root.items) do seen[i] = { node.type, node.value, node.text } end
    assert.same({ { "int", 16, "0x10" }, { "null", nil, "~" }, { "float", math.huge, ".inf" },
      { "string", "a\\b", "a\\b" }, { "bool", true, "TRUE" }, { "list" } }, seen)
    assert.same({}, root.items[6].items)
  end)

  it("takes an empty text for null", function() assert.equal("null", yaml.read("", "c.yaml").type) end)

  it("says where it goes wrong", function()
    local root, message, code = yaml.read("a: 1\na: 2\n", "c.yaml")
    assert.is_nil(root)
    assert.equal("config", code)
    assert.truthy(message:find("c.yaml:2:1", 1, true), message)
  end)
end)
