--- annotations: reads LuaCATS comments, and the signatures in the comments of C bindings, as far as
--- their comparison needs it.

local annotations = {}

---@class Annotated a function with its comment
---@field place string        "scripts/nlsql.d.lua:12"
---@field owner string        the variable that holds it
---@field method boolean      declared with a colon
---@field parameters string[] of the function itself
---@field documented { name: string, type: string, place: string }[] the `---@param` lines above it
---@field commented boolean   a comment stands right above it

---@class AnnotatedClass
---@field name string
---@field place string
---@field parent string?
---@field var string?         the local that holds its functions
---@field module string?      nlsql.lib.NAME: the section of the declarations that it stands in
---@field fields table<string, { type: string, optional: boolean, place: string }>
---@field functions table<string, Annotated>

---@class AnnotatedFile
---@field classes AnnotatedClass[]
---@field aliases table<string, { type: string, place: string }>
---@field functions Annotated[]
---@field returns string?     the variable that the file returns
---@field types { name: string, place: string }[] every nlsql.Name that a comment mentions as a type

--- The type with which `text` begins: brackets are followed to their ends; a `?` behind it counts.
---@param text string
---@return string type, string rest
function annotations.type_at(text)
  local at, depth = 1, 0
  while at <= #text do
    local c = text:sub(at, at)
    if c:find("[%(%[{<]") then
      depth = depth + 1
    elseif c:find("[%)%]}>]") then
      depth = depth - 1
    elseif c == '"' then
      at = text:find('"', at + 1, true) or #text
    elseif c == " " and depth == 0 then
      local before, after = text:sub(1, at - 1):match("[|:]%s*$"), text:match("^%s*|", at)
      if not before and not after then break end
    end
    at = at + 1
  end
  return text:sub(1, at - 1), text:sub(at)
end

--- Splits at `separator` outside brackets and quotes.
---@return string[]
function annotations.split(text, separator)
  local parts, from, at, depth = {}, 1, 1, 0
  while at <= #text do
    local c = text:sub(at, at)
    if c:find("[%(%[{<]") then
      depth = depth + 1
    elseif c:find("[%)%]}>]") then
      depth = depth - 1
    elseif c == '"' then
      at = text:find('"', at + 1, true) or #text
    elseif c == separator and depth == 0 then
      parts[#parts + 1] = text:sub(from, at - 1)
      from = at + 1
    end
    at = at + 1
  end
  parts[#parts + 1] = text:sub(from)
  for i, part in ipairs(parts) do parts[i] = part:match("^%s*(.-)%s*$") end
  if #parts == 1 and parts[1] == "" then return {} end
  return parts
end

local function note_types(out, text, place)
  for name in text:gmatch("%f[%w]nlsql%.[%w_%.]+") do
    out[#out + 1] = { name = name:gsub("%.+$", ""), place = place }
  end
end

local TYPED = { param = true, field = true, ["return"] = true, type = true, class = true, alias = true, operator = true }

--- One line of a comment into `block`.
local function read_tag(file, block, tag, rest, place)
  if TYPED[tag] then
    local stated = rest
    if tag == "param" or tag == "field" then stated = rest:match("^[%w_%.]+%??%s+(.*)$") or "" end
    if tag == "alias" then stated = rest:match("^%S+%s+(.*)$") or "" end
    note_types(file.types, (annotations.type_at(stated)), place)
  end
  if tag == "class" then
    local name, parent = rest:match("^([%w_%.]+)%s*:%s*([%w_%.]+)")
    name = name or rest:match("^[%w_%.]+")
    local class = { name = name, parent = parent, place = place, fields = {}, functions = {} }
    file.classes[#file.classes + 1] = class
    block.class = class
  elseif tag == "field" then
    local name, stated = rest:match("^private%s+([%w_]+%??)%s+(.*)$")
    if not name then name, stated = rest:match("^([%w_]+%??)%s+(.*)$") end
    if block.class and name then
      local type_text = annotations.type_at(stated)
      block.class.fields[name:gsub("%?$", "")] = { type = type_text, place = place,
        optional = name:sub(-1) == "?" or type_text:sub(-1) == "?" }
    end
  elseif tag == "alias" then
    local name, stated = rest:match("^([%w_%.]+)%s*(.*)$")
    file.aliases[name] = { type = (annotations.type_at(stated)), place = place }
    block.alias = file.aliases[name]
  elseif tag == "param" then
    local name, stated = rest:match("^([%w_%.]+%??)%s*(.*)$")
    block.params[#block.params + 1] = { name = name:gsub("%?$", ""), type = (annotations.type_at(stated)), place = place }
  end
end

local function parameters_of(text)
  local list = annotations.split(text, ",")
  return list
end

--- A line of code below the comment `block`.
local function read_code(file, line, block, place)
  local owner, sign, name, parameters = line:match("^function ([%w_]+)([%.:])([%w_]+)%s*%((.-)%)")
  if owner then
    local one = { place = place, owner = owner, name = name, method = sign == ":",
      parameters = parameters_of(parameters), documented = block.params, commented = block.lines > 0 }
    file.functions[#file.functions + 1] = one
    for _, class in ipairs(file.classes) do
      if class.var == owner then class.functions[name] = one end
    end
  end
  local var = line:match("^local ([%w_]+)%s*=")
  if var and block.class then block.class.var = var end
  file.returns = line:match("^return ([%w_]+)%s*$") or file.returns
end

--- What the comments of a Lua file say.
---@param path string
---@param text string?  its content, where that was read already
---@return AnnotatedFile
function annotations.read(path, text)
  if not text then
    local f = assert(io.open(path, "rb"))
    text = f:read("a")
    f:close()
  end
  local file = { path = path, classes = {}, aliases = {}, functions = {}, types = {} }
  local function fresh() return { params = {}, lines = 0 } end
  local block, number, module = fresh(), 0, nil
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local place = ("%s:%d"):format(path, number)
    local comment = line:match("^%s*%-%-%-(.*)$")
    if comment then
      block.lines = block.lines + 1
      local tag, rest = comment:match("^@(%a+)%s*(.*)$")
      if tag then
        read_tag(file, block, tag, rest, place)
        local class = tag == "class" and block.class
        if class then
          module = class.name:find("^nlsql%.lib%.") and class.name or module
          class.module = module
        end
      elseif comment:find("^|") and block.alias then
        local word = comment:match('^|%s*("[^"]*")')
        block.alias.type = block.alias.type == "" and word or block.alias.type .. "|" .. word
      end
    else
      read_code(file, line, block, place)
      block = fresh()
    end
  end
  return file
end

--- The files that tell of the engine's modules: what they share, then one for each.
---@return string[]
function annotations.declarations()
  local paths, p = { "scripts/nlsql.d.lua" }, assert(io.popen("ls scripts/nlsql.d/*.lua"))
  for path in p:lines() do paths[#paths + 1] = path end
  p:close()
  return paths
end

--- What they say together.
---@param instead table<string, string>?  the content of some, by path
---@return { classes: AnnotatedClass[], aliases: table }
function annotations.declared(instead)
  local out = { classes = {}, aliases = {} }
  for _, path in ipairs(annotations.declarations()) do
    local file = annotations.read(path, instead and instead[path])
    table.move(file.classes, 1, #file.classes, #out.classes + 1, out.classes)
    for name, alias in pairs(file.aliases) do out.aliases[name] = alias end
  end
  return out
end

--- --- C -------------------------------------------------------------------------------------------

--- A comment's text on one line.
local function flat(comment)
  return (comment:gsub("^/%*", ""):gsub("%*/$", ""):gsub("\n%s*%*?", " "):gsub("%s+", " "))
end

--- What stands in the brackets that open at `at`, and where they close.
local function bracketed(text, at)
  local inside = text:match("^%b()", at) or text:match("^%b{}", at)
  return inside and inside:sub(2, -2), inside and at + #inside
end

--- One argument of a signature: its name, or nil for a literal; the members of an options table.
local function read_argument(text)
  local members = text:match("^(%b{})$")
  if members then
    local names = {}
    for _, member in ipairs(annotations.split(members:sub(2, -2), ",")) do
      names[#names + 1] = member:match("^([%a_][%w_]*)%s*=")
    end
    return { members = #names > 0 and names or nil }
  end
  return { name = text:match("^([%a_][%w_]*)$") or text:match("^([%a_][%w_]*)%s*|"),
    variadic = text:find("%.%.%.$") ~= nil }
end

--- The arguments of "reserve(nano)", "db:query(sql [, params [, limits]])", "start{bin=, files={}}".
local function read_arguments(inside, open)
  local list = {}
  if open == "{" then
    list[1] = read_argument("{" .. inside .. "}")
    return list
  end
  inside = inside:gsub("%[%s*,", ","):gsub("[%[%]]", "")
  for _, one in ipairs(annotations.split(inside, ",")) do list[#list + 1] = read_argument(one) end
  return list
end

local function signatures_in(comment, found)
  comment = flat(comment)
  local at = 1
  while true do
    local from, to, name = comment:find("([%a_][%w_]*)[%({]", at)
    if not from then return end
    local inside = bracketed(comment, to)
    if inside and not found[name] then
      found[name] = { arguments = read_arguments(inside, comment:sub(to, to)), text = comment:sub(from, to) .. inside
        .. (comment:sub(to, to) == "(" and ")" or "}") }
    end
    at = to + 1
  end
end

--- The comment right above position `at` of a C source.
local function comment_above(source, at)
  if source:sub(at - 3, at - 1) ~= "*/\n" then return nil end
  local from = 1
  while true do
    local later = source:find("/*", from + 1, true)
    if not later or later >= at - 3 then break end
    from = later
  end
  return source:sub(from, at - 2)
end

---@class BoundSignature
---@field arguments { name: string?, members: string[]?, variadic: boolean? }[]
---@field text string  "query(sql [, params [, limits]])"

--- The signatures in the comments of a binding: of each function that scripts call, by the name of
--- its C function and then its own; and those that the file's first comment tells of.
---@param path string
---@return table<string, table<string, BoundSignature>> functions, table<string, BoundSignature> told, string source
function annotations.read_binding(path)
  local f = assert(io.open(path, "rb"))
  local source = f:read("a")
  f:close()
  local functions, told = {}, {}
  for at, name in source:gmatch("\n()[%w_ ]-([%w_]+)%(lua_State %*L%)") do
    local comment = comment_above(source, at)
    functions[name] = functions[name] or {}
    if comment then signatures_in(comment, functions[name]) end
  end
  local head = source:match("^/%*.-%*/")
  if head then signatures_in(head, told) end
  return functions, told, source
end

return annotations
