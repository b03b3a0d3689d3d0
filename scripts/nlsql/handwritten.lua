--- handwritten: relations between tables that the database does not declare, as somebody wrote them
--- in the configuration.
---
---     orders.customer_id -> customers.id
---     (lines.order_id, lines.part) -> (parts.order_id, parts.no)
---     { from: orders.customer_id, to: customers.id }
---
--- Names are quoted where SQL would quote them, and may have a schema before them.

local text = require "nlsql.text"

local handwritten = {}

---@class nlsql.HandwrittenRelation
---@field from string        the table that refers, as written
---@field columns string[]   its columns, without quotes
---@field to string          the table that is referred to
---@field referred string[]  its columns
---@field shown string       the whole as one line

handwritten.EXPECTED = '"orders.customer_id -> customers.id", or "(a.x, a.y) -> (b.x, b.y)"'

--- --- reading ----------------------------------------------------------------------------------

local function trim(s) return (s:match("^%s*(.-)%s*$")) end

--- Where `mark` stands outside quotes, from the front or the back; nil: nowhere.
local function find_outside(s, mark, last)
  local quoted, found = false, nil
  for at = 1, #s do
    if s:byte(at) == 34 then quoted = not quoted end
    if not quoted and s:sub(at, at + #mark - 1) == mark then
      if not last then return at end
      found = at
    end
  end
  return found
end

local function split(s, mark)
  local parts, rest = {}, s
  while true do
    local at = find_outside(rest, mark)
    parts[#parts + 1] = trim(rest:sub(1, (at or 0) - 1))
    if not at then return parts end
    rest = rest:sub(at + #mark)
  end
end

--- An identifier without its quotes; nil where it is none.
local function bare(s)
  s = trim(s)
  local inside = s:match('^"(.+)"$')
  if inside then
    local left = inside:gsub('""', "")
    return not left:find('"', 1, true) and inside:gsub('""', '"') or nil
  end
  return s:find('^[^%s"(),.]+$') and s or nil
end

--- "orders.customer_id" as table and column; nil where it is not that.
local function read_column(s)
  local dot = find_outside(s, ".", true)
  if not dot then return nil end
  local column, owner = bare(s:sub(dot + 1)), trim(s:sub(1, dot - 1))
  if not column or owner == "" then return nil end
  for _, part in ipairs(split(owner, ".")) do
    if not bare(part) then return nil end
  end
  return owner, column
end

--- One side: its table, and its columns.
local function read_side(side)
  local list = side
  if type(side) == "string" then
    local inside = trim(side):match("^%((.*)%)$")
    list = inside and split(inside, ",") or { side }
  elseif type(side) ~= "table" or #side == 0 then
    return nil
  end
  local table_name, columns = nil, {}
  for i, one in ipairs(list) do
    local owner, column = read_column(tostring(one))
    if not owner then return nil end
    if table_name and owner:lower() ~= table_name:lower() then
      return nil, ("names columns of two tables on one side, %s and %s"):format(table_name, owner)
    end
    table_name, columns[i] = owner, column
  end
  return table_name, columns
end

local function shown_side(side)
  if type(side) == "table" then return "(" .. table.concat(side, ", ") .. ")" end
  return tostring(side)
end

--- Reads a relation: text, or a table with `from` and `to`, each text or a list of columns.
---@param value any
---@return nlsql.HandwrittenRelation?
---@return string? why
function handwritten.read(value)
  local left, right = nil, nil
  if type(value) == "string" then
    local sides = split(value, "->")
    if #sides == 2 then left, right = sides[1], sides[2] end
  elseif type(value) == "table" then
    left, right = value.from, value.to
  end
  if left == nil or right == nil then return nil, "expected " .. handwritten.EXPECTED end
  local from, columns = read_side(left)
  local to, referred = read_side(right)
  if not from or not to then
    return nil, ("%s; expected %s"):format(not from and columns or not to and referred
      or "is not two columns that are named with their tables", handwritten.EXPECTED)
  end
  if #columns ~= #referred then
    return nil, ("relates %d columns to %d: expected as many on each side"):format(#columns, #referred)
  end
  return { from = from, columns = columns, to = to, referred = referred,
    shown = ("%s -> %s"):format(shown_side(left), shown_side(right)) }
end

--- --- against the schema -------------------------------------------------------------------------

local function find_table(schema, name)
  local ref = schema:find(name)
  if ref then return schema:table(ref) end
  local near = schema:nearest(name)
  return nil, ("there is no table %s%s"):format(name, near and (" (did you mean %s?)"):format(near) or "")
end

--- The column of that name; one that differs in case only where there is no other.
local function find_column(t, name)
  local names, alike, n = {}, nil, 0
  for i, column in ipairs(t.columns) do
    if column.name == name then return column end
    if column.name:lower() == name:lower() then alike, n = column, n + 1 end
    names[i] = column.name
  end
  if n == 1 then return alike end
  local near = text.nearest(name, names)
  return nil, ("%s has no column %s%s"):format(t.reference, name, near and (" (did you mean %s?)"):format(near) or "")
end

--- Without what is in brackets: numeric(10,2) is numeric.
local function plain_type(column) return (column.base_type:gsub("%s*%(.*%)", "")) end

--- Can the two be compared with `=`? Numbers with numbers, texts with texts, else the same type.
local function comparable(a, b)
  if a.category == b.category and (a.category == "N" or a.category == "S") then return true end
  return plain_type(a) == plain_type(b)
end

--- Finds what a relation names. Returns the arguments of schema:relate, or nil and why.
---@param schema nlsql.Catalog
---@param relation nlsql.HandwrittenRelation
---@return { [1]: string, [2]: string[], [3]: string, [4]: string[] }?
---@return string? why
function handwritten.resolve(schema, relation)
  local from, no_from = find_table(schema, relation.from)
  if not from then return nil, no_from end
  local to, no_to = find_table(schema, relation.to)
  if not to then return nil, no_to end
  local columns, referred = {}, {}
  for i, name in ipairs(relation.columns) do
    local a, no_a = find_column(from, name)
    if not a then return nil, no_a end
    local b, no_b = find_column(to, relation.referred[i])
    if not b then return nil, no_b end
    if not comparable(a, b) then
      return nil, ("%s.%s is of type %s, %s.%s of type %s: they cannot be compared"):format(from.reference, a.name,
        a.type, to.reference, b.name, b.type)
    end
    columns[i], referred[i] = a.name, b.name
  end
  return { from.reference, columns, to.reference, referred }
end

return handwritten
