--- links: tables that do nothing but link two others, row by row: many-to-many.

local links = {}

---@class nlsql.ManyToMany
---@field via string                          the table between
---@field sides { to: string, columns: string[] }[]  two
---@field score number

local function same_set(key, names)
  if not key or #key ~= #names then return false end
  local inside = {}
  for _, name in ipairs(names) do inside[name] = true end
  for _, name in ipairs(key) do
    if not inside[name] then return false end
  end
  return true
end

--- Do the columns of both sides make up a key, or all of the table?
local function is_link(t, a, b)
  local names = table.move(a.columns, 1, #a.columns, 1, {})
  table.move(b.columns, 1, #b.columns, #names + 1, names)
  if same_set(t.primary, names) then return true end
  for _, key in ipairs(t.uniques or {}) do
    if same_set(key, names) then return true end
  end
  return not t.primary and #t.columns == #names
end

--- The link tables among believed relations.
---@param schema nlsql.Catalog
---@param relations { from: string, columns: string[], to: string, score: number }[]
---@return nlsql.ManyToMany[]
function links.find(schema, relations)
  local by_table, out = {}, {}
  for _, one in ipairs(relations) do
    by_table[one.from] = by_table[one.from] or {}
    table.insert(by_table[one.from], one)
  end
  for _, ref in ipairs(schema:names()) do
    local list = by_table[ref] or {}
    for i = 1, #list do
      for k = i + 1, #list do
        local a, b = list[i], list[k]
        if is_link(schema:table(ref), a, b) then
          out[#out + 1] = { via = ref, score = math.min(a.score, b.score),
            sides = { { to = a.to, columns = a.columns }, { to = b.to, columns = b.columns } } }
        end
      end
    end
  end
  return out
end

return links
