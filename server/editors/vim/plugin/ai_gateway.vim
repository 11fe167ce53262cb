vim9script
# AI Gateway in Vim 9: commands, which start the server when the first of them is used.

if exists('g:loaded_ai_gateway')
  finish
endif
g:loaded_ai_gateway = true

# How the server is started, what it is told of settings, and how windows for answers are opened.
g:ai_gateway_command = get(g:, 'ai_gateway_command', ['ai-gateway', '--stdio'])
g:ai_gateway_settings = get(g:, 'ai_gateway_settings', {})
g:ai_gateway_split = get(g:, 'ai_gateway_split', 'botright new')

command -range -nargs=* -bang AiAsk ai_gateway#Ask(<q-args>, <range> > 0 ? [<line1>, <line2>] : [], '<bang>' == '!')
command -range AiActions ai_gateway#Actions(<range> > 0 ? [<line1>, <line2>] : [])
command AiStop ai_gateway#Stop()
command AiHealth ai_gateway#Health()
command -nargs=? -bang -complete=customlist,ai_gateway#ProviderNames AiReset ai_gateway#Reset(<q-args>, '<bang>' == '!')
command -nargs=? AiExplain ai_gateway#Explain(<q-args>)
command -nargs=1 -complete=customlist,ai_gateway#CommandNames Ai ai_gateway#Execute('aiGateway.' .. <q-args>)
