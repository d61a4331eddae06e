// Run before every npm script, so that a wrong Node says what to do instead of failing on the first type annotation.
const [major] = process.versions.node.split('.').map(Number)
if (major < 24) {
  process.stderr.write(
    `tidemill is developed on Node 24, this is ${process.version}.\n` +
      "The project brings its own: run 'npm ci' (it installs the package 'node', whose install script must be allowed:\n" +
      "'npm install-scripts approve node' where npm blocks it), then call the script through npm: 'npm run <script>'.\n",
  )
  process.exit(1)
}
