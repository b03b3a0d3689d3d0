-- What an editor is told: .luarc.json of the source, and that of a user's own folder.
local json = require "nlsql.json"
local luarc = require "nlsql.luarc"
local support = require "tests.lua.support"

local function exists(path)
  local f = io.open(path)
  if f then f:close() end
  return f ~= nil
end

describe("luarc.text", function()
  it("points to the shipped scripts, whatever their folder is called", function()
    for _, share in ipairs { "/usr/local/share/nlsql", [[/home/o'neil/my "share"\x]], "/größe" } do
      local config = assert(json.decode(luarc.text(share .. "/")))
      assert.same({ share .. "/scripts" }, { table.unpack(config["workspace.library"]) })
      assert.equal("Lua 5.4", config["runtime.version"])
      assert.equal("disable", config["runtime.builtin"].io)
    end
  end)

  it("takes an absolute path only", function()
    assert.error_matches(function() luarc.text("share") end, "takes an absolute path")
  end)
end)

describe("nlsql new phase", function()
  local dir
  before_each(function() dir = support.temp_dir() end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  it("writes a .luarc.json that leads to the annotations", function()
    local code, _, err = support.nlsql(dir, { "new", "phase", "orders" })
    assert.equal(0, code, err)
    assert.truthy(err:find("wrote .luarc.json", 1, true), err)
    local library = assert(json.decode(support.read(dir .. "/.luarc.json")))["workspace.library"]
    assert.equal(1, #library)
    assert.is_true(exists(library[1] .. "/nlsql.d.lua"))
    assert.is_true(exists(library[1] .. "/nlsql.d/catalog.lua"))
    assert.is_true(exists(library[1] .. "/nlsql/loader.lua"))
  end)

  it("leaves one that is there alone", function()
    support.write(dir .. "/.luarc.json", "{}\n")
    local code, _, err = support.nlsql(dir, { "new", "phase", "orders" })
    assert.equal(0, code, err)
    assert.is_nil(err:find("luarc", 1, true))
    assert.equal("{}\n", support.read(dir .. "/.luarc.json"))
  end)

  it("writes none where the library itself is", function()
    os.execute(("mkdir -p %s/scripts && cp scripts/nlsql.d.lua %s/scripts"):format(dir, dir))
    local code, _, err = support.nlsql(dir, { "new", "phase", "orders" })
    assert.equal(0, code, err)
    assert.is_false(exists(dir .. "/.luarc.json"))
  end)
end)

describe("the source's own .luarc.json", function()
  it("leaves out folders that hold no source, and finds modules where they are", function()
    local config = assert(json.decode(support.read(".luarc.json")))
    local path = table.concat(config["runtime.path"], ";")
    for _, name in ipairs { "nlsql.loader", "tests.lua.support" } do
      assert.truthy(package.searchpath(name, path), name)
    end
    assert.truthy(table.concat(config["workspace.ignoreDir"], " "):find("build", 1, true))
  end)
end)
