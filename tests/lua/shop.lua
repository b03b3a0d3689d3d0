--- shop: the database of tests/data/shop.sql and pairs that are right on it.

local json = require "nlsql.json"
local support = require "tests.lua.support"

local shop = {}

function shop.url() return support.database("shop", { "tests/data/shop.sql" }) end

shop.BY_COUNTRY = {
  question = "How many purchases did customers of each country make?",
  sql = "SELECT c.country, count(*) AS purchases FROM customer c JOIN purchase p ON p.customer_id = c.customer_id "
    .. "GROUP BY c.country ORDER BY c.country;",
}

shop.BY_PRODUCT = {
  question = "Which products sold more than 60 pieces?",
  sql = "SELECT p.title, sum(l.quantity) AS pieces FROM product p JOIN purchase_line l USING (product_id) "
    .. "GROUP BY p.title HAVING sum(l.quantity) > 60 ORDER BY pieces DESC, p.title",
}

--- `n` distinct pairs that join customer and purchase.
function shop.many(n)
  local list = {}
  for i = 1, n do
    list[i] = {
      question = ("How many purchases after number %d did each country make?"):format(i),
      sql = ("SELECT c.country, count(*) AS n FROM customer c JOIN purchase p USING (customer_id) "
        .. "WHERE p.purchase_id > %d GROUP BY c.country ORDER BY c.country"):format(i),
    }
  end
  return list
end

--- The endpoint's answer to the request for sets of tables.
function shop.sets(...)
  local list = {}
  for i, set in ipairs { ... } do list[i] = { tables = set } end
  return { match = "different sets of tables", content = json.encode { sets = list } }
end

function shop.dataset(dir, name)
  local rows = {}
  for i, line in ipairs(support.lines(dir .. "/generated_datasets/" .. (name or "joins") .. "/dataset.jsonl")) do
    rows[i] = assert(json.decode(line))
  end
  return rows
end

return shop
