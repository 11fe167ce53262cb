-- What the scripts of the tests share.
local HANG_MS = 40000

--- Tell the test a value.
function Tell(value)
  io.stdout:write(vim.json.encode(value), "\n")
  io.stdout:flush()
end

--- Wait until a function gives something true, and give it.
function Wait(what, condition)
  local found
  vim.wait(HANG_MS, function()
    found = condition()
    return found
  end, 10)
  if not found then
    io.stderr:write("waited in vain for " .. what .. "\n" .. vim.fn.execute("messages") .. "\n")
    vim.cmd("cquit")
  end
  return found
end

--- All that is to be read in the current buffer.
function Text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
end

--- Wait until the current buffer shows this.
function Shown(text)
  Wait(text, function()
    return Text():find(text, 1, true)
  end)
  return Text()
end

-- Menus are answered by the test: each choice is the beginning of an item.
Choices = {}
Menus = 0
vim.ui.select = function(items, options, choose)
  local wanted = table.remove(Choices, 1)
  for index, item in ipairs(items) do
    if wanted and vim.startswith(options.format_item(item), wanted) then
      return choose(item, index)
    end
  end
  Tell({ offered = vim.tbl_map(options.format_item, items) })
  Menus = Menus + 1
  choose(nil)
end

-- What the person is told.
Told = {}
vim.notify = function(message)
  table.insert(Told, message)
end
