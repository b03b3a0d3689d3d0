--- plan: the server's plan of a query as lines to read.

local json = require "nlsql.json"

local plan = {}

local function describe(node)
  local words = { tostring(node["Node Type"]) }
  local join = node["Join Type"]
  if type(join) == "string" and join ~= "Inner" then words[1] = join .. " " .. words[1] end
  if node["Relation Name"] then words[#words + 1] = "on " .. tostring(node["Relation Name"]) end
  if node["Index Name"] then words[#words + 1] = "by " .. tostring(node["Index Name"]) end
  return ("%s (cost %s, %s rows)"):format(table.concat(words, " "), tostring(node["Total Cost"]), tostring(node["Plan Rows"]))
end

local function add(node, depth, lines)
  lines[#lines + 1] = ("  "):rep(depth) .. describe(node)
  for _, below in ipairs(type(node.Plans) == "table" and node.Plans or {}) do add(below, depth + 1, lines) end
end

--- One line a node, indented below its parent; nil where the text is no plan.
---@param text string  of EXPLAIN (FORMAT JSON)
---@return string[]?
function plan.lines(text)
  local decoded = json.decode(text)
  local top = type(decoded) == "table" and decoded[1] and decoded[1].Plan
  if type(top) ~= "table" then return nil end
  local lines = {}
  add(top, 0, lines)
  return lines
end

return plan
