# The linter's own rules, all of them; those for AWS are a plugin that is downloaded, and checkov asks their questions.
plugin "terraform" {
  enabled = true
  preset  = "all"
}

rule "terraform_standard_module_structure" {
  # It wants a main.tf everywhere; here a file is one concern and has its name.
  enabled = false
}
